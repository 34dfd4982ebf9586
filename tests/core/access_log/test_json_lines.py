import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.access_log.json_lines import JsonLines
from proxy.core.access_log.record import Client, SeenHead
from proxy.core.client.peer import Peer, TlsFacts
from proxy.core.http.request import RequestParser
from tests.core.access_log.support import MARKS, WALL, client, head, record

REPEATED = (b"Accept: */*", b"X-A: 1", b"X-B: 2")
OWN = (
    b"X-Id: 1",
    b"Referer: http://a/b?c",
    b"user-agent: curl/8",
    b"REFERER: /",
    b"X-Referer: b",
    b"X-C: user-agent: 1",
)
FIRST = (b"GET /%d HTTP/1.1", b"GET http://A/%d HTTP/1.1", b"GET /%d?x HTTP/1.0")


def line(**changes: Any) -> str:
    return JsonLines("web", "5eed", query=False).line(record(**changes), WALL)


def test_a_line_says_all_there_is_to_say() -> None:
    text = line()
    assert text.endswith("}\n")
    assert json.loads(text) == {
        "time": "2026-11-18T11:06:40.500Z",
        "frontend": "web", "client": "192.0.2.7", "client_port": 50123, "session": "5eed-2b",
        "tls": None, "cipher": None, "exchange": 3,
        "method": "GET", "target": "/item", "host": "example.com", "protocol": "HTTP/1.1",
        "referer": "http://a/b", "user_agent": "curl/8", "status": 200, "reason": "ok",
        "pool": "app", "backend": "127.0.0.1:9001", "backend_status": 200, "tries": 1, "reused": True,
        "bytes_in": 120, "bytes_out": 240,
        "us": {"read": 0, "pick": 0, "dial": 1000, "write": 0, "answer": 1000, "body": 500, "total": 2500},
    }  # fmt: skip


def test_the_second_line_of_a_client_and_of_a_head_is_as_the_first() -> None:
    made = JsonLines("web", "5eed", query=False)
    same = record()
    assert made.line(same, WALL) == made.line(same, WALL)


def test_every_line_has_the_same_keys() -> None:
    refused = json.loads(line(head=SeenHead(b"\x16\x03"), pool="", backend="", backend_status=0))
    tcp = json.loads(line(head=None, number=0, status=0, backend_status=0))
    unix = json.loads(line(client=Client(1, Peer())))
    assert list(refused) == list(tcp) == list(unix) == list(json.loads(line()))
    assert [refused[key] for key in ("method", "target", "protocol", "pool", "backend")] == [None] * 5
    assert (tcp["protocol"], tcp["exchange"], tcp["status"]) == ("tcp", None, None)
    assert (unix["client"], unix["client_port"]) == ("unix:", None)


def test_tls_is_told() -> None:
    made = client()
    made.peer.tls = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384")
    found = json.loads(line(client=made))
    assert (found["tls"], found["cipher"]) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")


def test_a_tunnel_names_its_time() -> None:
    assert json.loads(line(status=101, backend_status=101))["us"]["tunnel"] == 500
    assert json.loads(line(head=None))["us"]["tunnel"] == 500


def test_times_that_are_the_same_have_the_name_of_what_they_are_of() -> None:
    made = JsonLines("web", "5eed", query=False)
    tunnel, body, tcp = record(status=101, backend_status=101), record(), record(head=None, number=0)
    for each, name in [(tunnel, "tunnel"), (body, "body"), (tunnel, "tunnel"), (body, "body")]:
        assert list(json.loads(made.line(each, WALL))["us"])[5] == name
    unserved = record(head=None, number=0, backend="")
    for each, name in [(unserved, "tunnel"), (body, "body")]:
        assert list(json.loads(made.line(each, WALL))["us"])[5] == name
    raw = JsonLines("raw", "5eed", query=False)
    assert raw.line(tcp, WALL) == raw.line(tcp, WALL)
    assert list(json.loads(raw.line(tcp, WALL))["us"])[5] == "tunnel"


def test_no_secret_is_logged() -> None:
    fields = (
        b"Authorization: Basic SECRET\r\nCookie: a=SECRET\r\nProxy-Authorization: SECRET\r\nReferer: http://a/?SECRET"
    )
    request = b"GET /a?token=SECRET HTTP/1.1\r\nHost: a\r\n%b\r\n\r\n" % fields
    assert "SECRET" not in line(head=head(request))
    assert "SECRET" not in line(head=SeenHead(request))


@given(st.lists(st.lists(st.sampled_from(OWN), max_size=2), min_size=4, max_size=8), st.sampled_from(FIRST))
def test_what_a_client_repeats_is_told_as_if_it_were_new(requests: list[list[bytes]], first: bytes) -> None:
    parser, made = RequestParser(), JsonLines("web", "5eed", query=False)
    for number, own in enumerate(requests):
        start = first % number if number % 3 else b"GET /%d?q HTTP/1.1" % number
        data = b"\r\n".join((start, b"Host: a", *REPEATED, *own, *REPEATED, b"", b""))
        known, new = parser.parse(data, "192.0.2.1"), parser.parse(data)
        assert made.line(record(head=known), WALL) == JsonLines("web", "5eed", query=False).line(record(head=new), WALL)


def test_what_was_short_is_told_as_what_was_not() -> None:
    made = JsonLines("web", "5eed", query=False)
    for began in (0.5, 0.5, 0.75):
        for took in (0.0, 0.001, 0.001, 0.0025):
            at_once = (began, began, began, began, began, began + took, began + took)
            later = (*at_once[:6], began + took + 0.001)
            for marks, rest in ((at_once, 0), (later, 1000)):
                found = json.loads(made.line(record(marks=marks), WALL))
                total = round(took * 1e6) + rest
                assert list(found["us"].values()) == [0, 0, 0, 0, total - rest, rest, total]
                assert found["time"] == f"2026-11-18T11:06:40.{round(began * 1000)}Z"


@given(st.binary(), st.binary(), st.binary(), st.text())
def test_whatever_the_client_sent_a_line_is_one_json_object(
    target: bytes, host: bytes, agent: bytes, backend: str
) -> None:
    request = head()
    request.target, request.host = target, host
    request.forward = b"GET / HTTP/1.1\r\nUser-Agent: " + agent + b"\r\nReferer: " + target + b"\r\n"
    for text in (line(head=request, backend=backend), line(head=SeenHead(target + host), marks=MARKS)):
        assert text.isascii()
        assert text.index("\n") == len(text) - 1
        assert "time" in json.loads(text)

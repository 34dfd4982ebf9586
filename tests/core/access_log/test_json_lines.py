import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.access_log.json_lines import JsonLines
from proxy.core.access_log.record import Client, SeenHead
from proxy.core.client.peer import Peer, TlsFacts
from tests.core.access_log.support import MARKS, WALL, client, head, record


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


def test_no_secret_is_logged() -> None:
    fields = (
        b"Authorization: Basic SECRET\r\nCookie: a=SECRET\r\nProxy-Authorization: SECRET\r\nReferer: http://a/?SECRET"
    )
    request = b"GET /a?token=SECRET HTTP/1.1\r\nHost: a\r\n%b\r\n\r\n" % fields
    assert "SECRET" not in line(head=head(request))
    assert "SECRET" not in line(head=SeenHead(request))


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

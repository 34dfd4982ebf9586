"""What is believed of X-Forwarded-… and Forwarded, who the client is by it, and what backends are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.client.claims import Style, find_claims
from proxy.core.client.forwarding import Teller, client_of
from proxy.core.client.networks import Networks
from proxy.core.client.peer import Peer
from proxy.core.http.request import RequestHead, RequestParser

TRUSTED = Networks(["10.0.0.0/8", "2001:db8:10::/48", "unix:"])
PROXY = Peer("10.0.0.1", 4000, "10.0.0.9", 443)


def head(*lines: str | bytes, style: Style = "both") -> RequestHead:
    parser = RequestParser(tells_host=False, find_reader=find_claims(style))
    parts = [line if isinstance(line, bytes) else line.encode() for line in lines]
    return parser.parse(b"\r\n".join([b"GET / HTTP/1.1", b"Host: shop.example", *parts, b"", b""]))


def told(*lines: str | bytes, style: Style = "x-forwarded", peer: Peer = PROXY) -> dict[str, str]:
    request = head(*lines, style=style)
    fields = Teller(style, peer).fields(request.claims, request.host or b"")
    assert fields.endswith(b"\r\n")
    rows = [line.split(": ", 1) for line in fields.decode("latin-1").split("\r\n")[:-1]]
    assert len({name for name, _ in rows}) == len(rows), "one line each"
    return dict(rows)


def client(*lines: str, style: Style = "x-forwarded", peer: str = "10.0.0.1") -> str:
    return client_of(peer, head(*lines, style=style).claims, TRUSTED, style)


# ---------------------------------------------------------------------- what backends are told


def test_a_request_that_says_nothing() -> None:
    assert told() == {
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "shop.example",
    }
    assert told(style="rfc7239") == {"Forwarded": 'for=10.0.0.1;by="10.0.0.9:443";proto=http;host=shop.example'}
    assert set(told(style="both")) == {"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"}


def test_what_is_said_is_extended_and_kept() -> None:
    assert told(
        "X-Forwarded-For: 203.0.113.7, 10.0.0.3",
        "x-forwarded-for:2001:db8::1",
        "X-Forwarded-Proto: HTTPS",
        "X-Forwarded-Host: www.example:8443",
    ) == {
        "X-Forwarded-For": "203.0.113.7, 10.0.0.3, 2001:db8::1, 10.0.0.1",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "www.example:8443",
    }


def test_forwarded_is_extended() -> None:
    found = told('Forwarded: for="[2001:db8::1]:80";proto=https, For=10.0.0.3', "Forwarded: by=_x", style="rfc7239")
    own = 'for=10.0.0.1;by="10.0.0.9:443";proto=http;host=shop.example'
    assert found["Forwarded"] == f'for="[2001:db8::1]:80";proto=https, For=10.0.0.3, by=_x, {own}'


def test_a_proxy_on_a_unix_socket_has_no_address() -> None:
    assert told("X-Forwarded-For: 203.0.113.7", peer=Peer())["X-Forwarded-For"] == "203.0.113.7"
    assert "X-Forwarded-For" not in told(peer=Peer())
    assert told(style="rfc7239", peer=Peer())["Forwarded"] == "for=unknown;proto=http;host=shop.example"


def test_ipv6_is_quoted_in_forwarded() -> None:
    peer = Peer("fe80::1%eth0", 1, "2001:db8::9", 80)
    assert told(style="rfc7239", peer=peer)["Forwarded"].startswith('for="[fe80::1]";by="[2001:db8::9]:80";')
    assert told(peer=peer)["X-Forwarded-For"] == "fe80::1"


def test_a_host_with_a_port_is_quoted() -> None:
    teller = Teller("rfc7239", Peer())
    assert teller.fields(None, b"a:80") == b'Forwarded: for=unknown;proto=http;host="a:80"\r\n'
    assert teller.fields(None, b"") == b"Forwarded: for=unknown;proto=http\r\n"


def test_the_other_kind_is_not_passed_on() -> None:
    """A proxy that knows one kind passes the other on as the client made it up."""
    lines = ("X-Forwarded-For: 203.0.113.7", "X-Forwarded-Host: evil.example", "Forwarded: for=203.0.113.8")
    assert "203.0.113.8" not in str(told(*lines, style="x-forwarded"))
    assert "203.0.113.7" not in str(told(*lines, style="rfc7239"))
    for style in ("x-forwarded", "rfc7239"):
        assert b"203.0.113" not in head(*lines, style=style).forward  # type: ignore[arg-type]


def test_what_else_trusted_proxies_say_passes() -> None:
    lines = ("X-Forwarded-Port: 443", "X-Forwarded-Prefix: /shop")
    assert b"X-Forwarded-Port: 443\r\nX-Forwarded-Prefix: /shop\r\n" in head(*lines, style="x-forwarded").forward
    assert b"Port" not in head(*lines, style="rfc7239").forward
    assert b"Port" not in RequestParser().parse(b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Port: 1\r\n\r\n").forward


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("203.0.113.7", "203.0.113.7, "),
        (" , 203.0.113.7 ,, ", "203.0.113.7, "),
        ("203.0.113.7:8080, [2001:db8::1]:1, [::1]", "203.0.113.7:8080, [2001:db8::1]:1, [::1], "),
        ("unknown, _hidden", "unknown, _hidden, "),
        ("evil, 203.0.113.7", "203.0.113.7, "),
        ("203.0.113.6, <script>, 203.0.113.7", "203.0.113.7, "),
        ("203.0.113.7, evil", ""),
        ("203.0.113.256", ""),
        ("1.2.3", ""),
        ("::1::", ""),
        ('"203.0.113.7"', ""),
        ("203.0.113.7 203.0.113.8", ""),
        ("203.0.113.7;203.0.113.8", ""),
    ],
)
def test_the_list_ends_before_what_is_malformed(value: str, kept: str) -> None:
    assert told(f"X-Forwarded-For: {value}")["X-Forwarded-For"] == f"{kept}10.0.0.1"


def test_a_malformed_line_cuts_those_before_it() -> None:
    found = told("X-Forwarded-For: 203.0.113.6", "X-Forwarded-For: evil, 203.0.113.7", "X-Forwarded-For: 10.0.0.2")
    assert found["X-Forwarded-For"] == "203.0.113.7, 10.0.0.2, 10.0.0.1"


@pytest.mark.parametrize("value", ["ftp", "https,http", "https http", "", "javascript", "hßttps"])
def test_a_malformed_proto_is_replaced(value: str) -> None:
    assert told(f"X-Forwarded-Proto: {value}".encode())["X-Forwarded-Proto"] == "http"


@pytest.mark.parametrize("value", ["a b", "a/b", "a,b c", "", "[::1", 'a"b', "a@b"])
def test_a_malformed_host_is_replaced(value: str) -> None:
    assert told(f"X-Forwarded-Host: {value}")["X-Forwarded-Host"] == "shop.example"


def test_two_of_a_kind_are_replaced() -> None:
    assert told("X-Forwarded-Proto: https", "X-Forwarded-Proto: https")["X-Forwarded-Proto"] == "http"
    assert told("X-Forwarded-Host: a", "X-Forwarded-Host: b")["X-Forwarded-Host"] == "shop.example"


@pytest.mark.parametrize(
    "value",
    [
        "for=a b",
        'for="203.0.113.7',
        "for=203.0.113.7;for=203.0.113.8",
        "for",
        "for=",
        "=a",
        "for = a",
        'for="a"b',
        "for=[2001:db8::1]",
        "for=1.2.3.4:80",
        "; ; ; ; ; ; ; ; ; ; ; ; ; ; ; ; ; ; ; ; ; ; ; ; ; ; ; ; ; ; ; x",
        'for="' + "\\a" * 3000,
    ],
)
def test_a_malformed_forwarded_says_nothing(value: str) -> None:
    own = 'for=10.0.0.1;by="10.0.0.9:443";proto=http;host=shop.example'
    assert told(f"Forwarded: {value}", style="rfc7239")["Forwarded"] == own
    later = told("Forwarded: for=_a", f"Forwarded: {value}", "Forwarded: for=_b", style="rfc7239")
    assert later["Forwarded"] == f"for=_b, {own}"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("", ""),
        (",", ""),
        (" ; ;,;", ""),
        ("for=_a;, ,; proto=http", "for=_a, proto=http, "),
        ('for="\\_a";ext="a, b; c=\\"d\\""', 'for="\\_a";ext="a, b; c=\\"d\\"", '),
    ],
)
def test_an_odd_forwarded_is_kept(value: str, kept: str) -> None:
    own = 'for=10.0.0.1;by="10.0.0.9:443";proto=http;host=shop.example'
    assert told(f"Forwarded: {value}", style="rfc7239")["Forwarded"] == kept + own


@given(
    st.sampled_from(["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"]),
    st.binary(max_size=60).map(lambda value: bytes(b for b in value if b >= 32 and b != 127)),
)
def test_no_value_becomes_another_line(name: str, value: bytes) -> None:
    assert set(told(name.encode() + b": " + value, style="both")) == {
        "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"
    }  # fmt: skip


# ---------------------------------------------------------------------- who the client is


def test_the_client_is_the_nearest_that_is_not_trusted() -> None:
    assert client() == "10.0.0.1"
    assert client("X-Forwarded-For: 203.0.113.7") == "203.0.113.7"
    assert client("X-Forwarded-For: 198.51.100.1, 203.0.113.7, 10.2.2.2") == "203.0.113.7"
    assert client("X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: 203.0.113.7:99") == "203.0.113.7"
    assert client("X-Forwarded-For: 10.0.0.5, 10.0.0.4") == "10.0.0.5"
    assert client("X-Forwarded-For: ::ffff:203.0.113.7, ::ffff:10.0.0.4") == "203.0.113.7"
    assert client("X-Forwarded-For: 203.0.113.7, unknown") == "10.0.0.1"
    assert client("X-Forwarded-For: 203.0.113.7, [2001:db8:10::1]:80") == "203.0.113.7"
    assert client("X-Forwarded-For: 203.0.113.7", peer="") == "203.0.113.7"
    assert client("X-Forwarded-For: 203.0.113.7", peer="192.0.2.1") == "192.0.2.1"


def test_the_client_by_forwarded() -> None:
    lines = ("X-Forwarded-For: 198.51.100.1", 'Forwarded: for=198.51.100.2, for="[2001:db8::7]:1";by=_a, for=10.0.0.2')
    assert client(*lines, style="rfc7239") == "2001:db8::7"
    assert client(*lines, style="x-forwarded") == "198.51.100.1"
    assert client(*lines, style="both") == "198.51.100.1"
    assert client("Forwarded: for=_hidden", style="rfc7239") == "10.0.0.1"

"""What makes a head acceptable, and what becomes of it. Each rule of DESIGN section 7 that concerns heads is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.core.errors import BadRequest, BadResponse
from proxy.core.http.framing import CHUNKED
from proxy.core.http.headers import FORWARDING, HOP_BY_HOP, NEVER_FOR_ONE_HOP
from proxy.core.http.request import RequestParser, could_be_request, skip_empty_lines
from proxy.core.http.response import ResponseParser

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxy.core.http.field_names import Underscores

from tests.core.http.heads import (
    BODY,
    FRAMING,
    TOKEN,
    VALUE,
    Fields,
    answer,
    lines_of,
    parse,
    refused,
    request,
    response,
)

# ---------------------------------------------------------------------- what goes to the backend


def test_head_is_written_anew_with_host_first_and_what_we_add_last() -> None:
    head = parse(request(b"Accept: */*", b"X-One: 1", b"X-One: 2", first=b"GET /a?b=c HTTP/1.1"))
    assert head.forward == (
        b"GET /a?b=c HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\nX-One: 1\r\nX-One: 2\r\n"
        b"X-Forwarded-Host: a.test\r\nVia: 1.1 rproxy\r\n"
    )
    assert (head.method, head.target, head.host) == (b"GET", b"/a?b=c", b"a.test")


def test_http_1_0_becomes_1_1_and_gets_a_host() -> None:
    head = parse(request(first=b"GET / HTTP/1.0", host=None))
    assert head.forward.startswith(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
    assert not head.is_1_1
    assert not head.keep_alive
    assert head.host == b""


@pytest.mark.parametrize("name", sorted(HOP_BY_HOP | FORWARDING))
def test_fields_for_one_connection_and_claims_about_the_client_are_dropped(name: bytes) -> None:
    for spelling in (name, name.title(), name.upper()):
        assert lines_of(parse(request(spelling + b": close")).forward) == [
            b"Host: a.test", b"X-Forwarded-Host: a.test", b"Via: 1.1 rproxy"
        ]  # fmt: skip


def test_fields_that_connection_names_are_dropped_whichever_comes_first() -> None:
    head = parse(request(b"X-Hop: 1", b"Connection: x-hop , keep-alive", b"x-HOP: 2", b"X-Stays: 3"))
    assert b"hop" not in head.forward.lower()
    assert b"X-Stays: 3\r\n" in head.forward


@pytest.mark.parametrize("name", [*sorted(NEVER_FOR_ONE_HOP), b"X-Forwarded-Port"])
def test_connection_cannot_name_what_every_hop_needs(name: bytes) -> None:
    for value in (name, name.title(), b"close, " + name, b"x ,\t" + name + b" ,"):
        assert refused(request(b"Connection: " + value)) == (400, "connection-names")


@pytest.mark.parametrize("name", [b"Authorization", b"Content-Type", b"Range"])
def test_what_may_come_once_passes_as_sent_and_is_refused_twice(name: bytes) -> None:
    parser = RequestParser()
    for _ in range(2):  # learnt, then known
        assert name.lower() + b": x\r\n" in parser.parse(request(name.lower() + b":x")).forward
        with pytest.raises(BadRequest) as caught:
            parser.parse(request(name + b": x", name.upper() + b": y"))
        assert (caught.value.status, caught.value.reason) == (400, "twice")


@pytest.mark.parametrize(("underscores", "forward"), [("drop", b""), ("keep", b"api_key: 1\r\n")])
def test_underscores_pass_only_where_they_are_kept(underscores: Underscores, forward: bytes) -> None:
    parser = RequestParser(underscores=underscores)
    for _ in range(2):
        head = parser.parse(request(b"api_key: 1", b"X_Forwarded_For: 1.2.3.4", b"Content_Length: 5"))
        assert head.forward == (
            b"GET / HTTP/1.1\r\nHost: a.test\r\n" + forward + b"X-Forwarded-Host: a.test\r\nVia: 1.1 rproxy\r\n"
        )
        assert head.length == 0


def test_underscores_can_be_refused() -> None:
    parser = RequestParser(underscores="refuse")
    for _ in range(2):
        with pytest.raises(BadRequest) as caught:
            parser.parse(request(b"api_key: 1"))
        assert (caught.value.status, caught.value.reason) == (400, "underscore")


@pytest.mark.parametrize("line", [b"TE: trailers", b"te: gzip;q=0.5, Trailers", b"TE:trailers , deflate"])
def test_a_client_that_takes_trailers_has_the_backend_send_them(line: bytes) -> None:
    head = parse(request(line, b"Connection: TE"))
    assert head.takes_trailers
    assert lines_of(head.forward)[1:3] == [b"Connection: TE", b"TE: trailers"]
    assert not parse(request(line, first=b"GET / HTTP/1.0")).takes_trailers


@pytest.mark.parametrize("line", [b"TE: gzip", b"TE:", b"TE: trailers;q=0", b"Trailer: X"])
def test_codings_are_for_one_hop_only(line: bytes) -> None:
    head = parse(request(line))
    assert not head.takes_trailers
    assert lines_of(head.forward) == [b"Host: a.test", b"X-Forwarded-Host: a.test", b"Via: 1.1 rproxy"]


def test_white_space_around_a_value_is_not_part_of_it() -> None:
    head = parse(request(b"X-A:1", b"X-B: \t 2 \t ", b"X-C:", b"Content-Length:  7\t"))
    assert b"X-A: 1\r\nX-B: 2\r\nX-C: \r\nContent-Length: 7\r\n" in head.forward
    assert head.length == 7


def test_every_value_byte_that_is_legal_is_kept() -> None:
    legal = bytes([9, *range(0x20, 0x7F), *range(0x80, 0x100)])
    assert b"X-All: x" + legal + b"x\r\n" in parse(request(b"X-All: x" + legal + b"x")).forward


def test_a_body_is_announced_as_it_will_be_framed() -> None:
    head = parse(request(b"Transfer-Encoding: Chunked", first=b"POST / HTTP/1.1"))
    assert head.length == CHUNKED
    assert b"Transfer-Encoding: chunked\r\n" in head.forward
    assert b"Content-Length: 0\r\n" in parse(request(first=b"POST / HTTP/1.1")).forward
    assert b"Content-Length" not in parse(request(b"Content-Length: 0")).forward


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"TRACE"])
def test_methods_that_may_be_repeated(method: bytes) -> None:
    assert parse(request(first=method + b" / HTTP/1.1")).is_idempotent


@pytest.mark.parametrize("method", [b"POST", b"PATCH", b"LOCK", b"MKCOL"])
def test_methods_that_may_not_be_repeated(method: bytes) -> None:
    assert not parse(request(first=method + b" / HTTP/1.1")).is_idempotent


@pytest.mark.parametrize(
    ("version", "connection", "expected"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"close", False),
        (b"1.1", b"keep-alive, CLOSE", False),
        (b"1.0", b"", False),
        (b"1.0", b"Keep-Alive", True),
        (b"1.0", b"keep-alive, close", False),
    ],
)
def test_whether_the_connection_goes_on(version: bytes, connection: bytes, expected: bool) -> None:
    assert parse(request(b"Connection: " + connection, first=b"GET / HTTP/" + version)).keep_alive is expected
    head = answer(response(b"Content-Length: 0", b"Connection: " + connection, first=b"HTTP/" + version + b" 200 OK"))
    assert head.keep_alive is expected


# ---------------------------------------------------------------------- where it goes


@pytest.mark.parametrize(
    ("target", "host", "sent", "forwarded_host"),
    [
        (b"http://a.test/x?y", b"A.Test", b"/x?y", b"a.test"),
        (b"HTTPS://a.test:8080", b"a.test:8080", b"/", b"a.test:8080"),
        (b"http://a.test?q", b"a.test", b"/?q", b"a.test"),
        (b"*", b"a.test", b"*", b"a.test"),
        (b"/", b"[::1]:80", b"/", b"[::1]:80"),
    ],
)
def test_absolute_form_becomes_origin_form(target: bytes, host: bytes, sent: bytes, forwarded_host: bytes) -> None:
    head = parse(request(first=b"OPTIONS " + target + b" HTTP/1.1", host=b"Host: " + host))
    assert head.forward.startswith(b"OPTIONS %b HTTP/1.1\r\nHost: %b\r\n" % (sent, forwarded_host))
    assert head.target == sent


def test_absolute_form_gives_http_1_0_its_host() -> None:
    assert parse(request(first=b"GET http://a.test/ HTTP/1.0", host=None)).host == b"a.test"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (request(first=b"GET http://b.test/ HTTP/1.1"), "host-differs"),
        (request(first=b"GET http://u@a.test/ HTTP/1.1"), "target"),
        (request(first=b"GET ftp://a.test/ HTTP/1.1"), "target"),
        (request(first=b"GET * HTTP/1.1"), "target"),
        (request(first=b"GET /#part HTTP/1.1"), "target"),
        (request(host=None), "no-host"),
        (request(b"host: a.test"), "two-hosts"),
        (request(host=b"Host: a b"), "host-syntax"),
        (request(host=b"Host: a, b"), "host-syntax"),
        (request(host=b"Host: a/b"), "host-syntax"),
        (request(host=b"Host: a:b"), "host-syntax"),
        (request(host=b"Host: u@a"), "host-syntax"),
    ],
)
def test_request_for_no_certain_host_is_refused(data: bytes, reason: str) -> None:
    assert refused(data) == (400, reason)


def test_empty_host_is_legal() -> None:
    assert parse(request(host=b"Host:")).host == b""


# ---------------------------------------------------------------------- what two parsers could read in two ways


@pytest.mark.parametrize(
    "lines",
    [
        (b"Content-Length: 1", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked", b"Content-Length: 1"),
        (b"Content-Length: 1", b"Content-Length: 2"),
        (b"Content-Length: 1", b"content-length: 1"),
        (b"Content-Length: 1, 1",),
        (b"Content-Length: +1",),
        (b"Content-Length: -1",),
        (b"Content-Length: 1 1",),
        (b"Content-Length: 0x1",),
        (b"Content-Length: 1_0",),
        (b"Content-Length: \xb2",),
        (b"Content-Length:",),
        (b"Content-Length: 18446744073709551616",),
        (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked, chunked",),
        (b"Transfer-Encoding: chunked, identity",),
        (b"Transfer-Encoding:",),
        (b"Transfer-Encoding: \x0bchunked",),
        (b"X-A: 1", b" folded"),
        (b"X-A: 1", b"\tfolded"),
        (b"X-A: 1\n",),
        (b"X-A: 1\nX-B: 2",),
        (b"X-A: 1\rX-B: 2",),
        (b"X-A: a\0b",),
        (b"X-A: a\x7fb",),
        (b"X-A : 1",),
        (b"X A: 1",),
        (b"X-\xc4: 1",),
        (b": 1",),
        (b"no colon",),
    ],
    ids=repr,
)
def test_ambiguous_fields_are_refused(lines: tuple[bytes, ...]) -> None:
    status, _ = refused(request(*lines, first=b"POST / HTTP/1.1"))
    assert status == 400
    with pytest.raises(BadResponse):
        answer(response(*lines))


@pytest.mark.parametrize("coding", [b"gzip", b"gzip, chunked", b"identity", b"xchunked", b"chunked;q=1"])
def test_only_chunked_is_understood(coding: bytes) -> None:
    status, _ = refused(request(b"Transfer-Encoding: " + coding, first=b"POST / HTTP/1.1"))
    assert status in (400, 501)
    with pytest.raises(BadResponse):
        answer(response(b"Transfer-Encoding: " + coding))


def test_http_1_0_has_no_chunks() -> None:
    data = request(b"Transfer-Encoding: chunked", first=b"POST / HTTP/1.0")
    assert refused(data) == (400, "transfer-encoding")
    with pytest.raises(BadResponse):
        answer(response(b"Transfer-Encoding: chunked", first=b"HTTP/1.0 200 OK"))


@pytest.mark.parametrize(
    ("first", "status"),
    [
        (b"GET  / HTTP/1.1", 400),
        (b"GET /  HTTP/1.1", 400),
        (b"GET / HTTP/1.1 ", 400),
        (b" GET / HTTP/1.1", 400),
        (b"GET\t/ HTTP/1.1", 400),
        (b"GET /a b HTTP/1.1", 400),
        (b"GET /\x80 HTTP/1.1", 400),
        (b"GET /\x7f HTTP/1.1", 400),
        (b"GET a HTTP/1.1", 400),
        (b'GET /" HTTP/1.1', 400),
        (b"GET /<a> HTTP/1.1", 400),
        (b"GET /?<a> HTTP/1.1", 400),
        (b"GET /a\\b HTTP/1.1", 400),
        (b"GET http://a.test/a\\b HTTP/1.1", 400),
        (b"\rGET / HTTP/1.1", 400),
        (b"\nGET / HTTP/1.1", 400),
        (b"GET /", 400),
        (b"GET", 400),
        (b"GET / http/1.1", 400),
        (b"get / HTTP/1.1", 400),
        (b"\x16\x03\x01", 400),
        (b"HTTP/1.1 200 OK", 400),
        (b"FROBNICATE / HTTP/1.1", 501),
        (b"CONNECT a.test:443 HTTP/1.1", 501),
    ],
)
def test_bad_request_lines_are_refused(first: bytes, status: int) -> None:
    assert refused(request(first=first))[0] == status


@pytest.mark.parametrize("version", [b"0.9", b"1.2", b"1.9", b"2.0", b"3.0"])
def test_other_versions_are_told_so(version: bytes) -> None:
    assert refused(request(first=b"GET / HTTP/" + version)) == (505, "version")


@pytest.mark.parametrize("version", [b"1.10", b"01.1", b"2", b"1.", b"", b"x.y"])
def test_what_is_no_version_is_no_request(version: bytes) -> None:
    assert refused(request(first=b"GET / HTTP/" + version)) == (400, "syntax")


@pytest.mark.parametrize("target", [b"/a|b^c{}[]`", b"/?a\\b?c", b"/?" + b"|^{}[]`", b"/:@!$&'()*+,;=~%"])
def test_what_browsers_leave_as_it_is_passes(target: bytes) -> None:
    assert parse(request(first=b"GET " + target + b" HTTP/1.1")).target == target


def test_http_2_preface_is_refused() -> None:
    assert refused(b"PRI * HTTP/2.0\r\n\r\n")[0] in (400, 505)


def test_too_many_fields_are_told_so() -> None:
    few = RequestParser(max_fields=3)
    assert few.parse(request(b"A: 1", b"Connection: close")).host == b"a.test"
    with pytest.raises(BadRequest) as caught:
        few.parse(request(b"A: 1", b"Connection: close", b"B: 2"))
    assert caught.value.status == 431
    with pytest.raises(BadResponse):
        ResponseParser(max_fields=3).parse(response(b"A: 1", b"A: 1", b"A: 1", b"A: 1"))


def test_head_has_nothing_of_the_one_before() -> None:
    parser = RequestParser()
    parser.parse(request(b"Connection: x-a", b"Upgrade: websocket", b"X-A: 1"))
    head = parser.parse(request(b"X-A: 1"))
    assert not head.connection
    assert (head.upgrade, head.length) == (b"", 0)
    assert b"X-A: 1\r\n" in head.forward


# ---------------------------------------------------------------------- wishes: Expect, Upgrade


def test_expect_100_continue_is_passed_on() -> None:
    head = parse(request(b"Expect: 100-Continue", b"Content-Length: 1", first=b"POST / HTTP/1.1"))
    assert head.expects_100
    assert b"Expect: 100-continue\r\n" in head.forward


def test_other_expectations_are_refused() -> None:
    assert refused(request(b"Expect: a-miracle")) == (417, "expectation")


def test_allowed_upgrade_is_passed_on() -> None:
    head = parse(request(b"Connection: keep-alive, Upgrade", b"Upgrade: WebSocket"))
    assert head.upgrade == b"websocket"
    assert b"Connection: upgrade\r\nUpgrade: websocket\r\n" in head.forward


@pytest.mark.parametrize(
    ("lines", "first"),
    [
        ((b"Connection: upgrade", b"Upgrade: h2c"), b"GET / HTTP/1.1"),
        ((b"Connection: upgrade", b"Upgrade: websocket, h2c"), b"GET / HTTP/1.1"),
        ((b"Upgrade: websocket",), b"GET / HTTP/1.1"),
        ((b"Connection: upgrade",), b"GET / HTTP/1.1"),
        ((b"Connection: upgrade", b"Upgrade: websocket"), b"GET / HTTP/1.0"),
        ((b"Connection: upgrade", b"Upgrade: websocket", b"Content-Length: 3"), b"POST / HTTP/1.1"),
        ((b"Connection: upgrade", b"Upgrade: websocket", b"Transfer-Encoding: chunked"), b"POST / HTTP/1.1"),
    ],
)
def test_upgrade_that_may_not_pass_is_as_if_not_asked_for(lines: tuple[bytes, ...], first: bytes) -> None:
    head = parse(request(*lines, first=first))
    assert head.upgrade == b""
    assert b"pgrade" not in head.forward


@pytest.mark.parametrize("protocol", [b"h2c", b"H2C", b"h2c-14", b"h2", b"HTTP/2.0"])
def test_http_2_is_never_upgraded_to(protocol: bytes) -> None:
    data = request(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: " + protocol, b"HTTP2-Settings: AAMAAABk")
    head = RequestParser(upgrades=(protocol.decode(), "websocket")).parse(data)
    assert head.upgrade == b""
    assert lines_of(head.forward) == [b"Host: a.test", b"X-Forwarded-Host: a.test", b"Via: 1.1 rproxy"]


def test_allow_list_decides_in_any_case() -> None:
    data = request(b"Connection: Upgrade", b"Upgrade: IRC/6.9")
    assert RequestParser(upgrades=("irc/6.9",)).parse(data).upgrade == b"irc/6.9"
    assert RequestParser(upgrades=()).parse(request(b"Connection: Upgrade", b"Upgrade: websocket")).upgrade == b""


# ---------------------------------------------------------------------- one parser, many heads

SPENDING = [
    request(b"Connection: close"),
    request(b"Proxy-Connection: close"),
    request(b"Connection: close, x"),
    request(b"Content-Length: 5", first=b"POST / HTTP/1.1"),
    request(b"Transfer-Encoding: chunked", first=b"POST / HTTP/1.1"),
    request(b"Connection: upgrade", b"Upgrade: websocket"),
    request(b"Connection: upgrade", b"Upgrade: h2c"),
    request(b"Expect: 100-continue"),
    request(b"Connection: keep-alive", first=b"GET / HTTP/1.0"),
    request(first=b"GET / HTTP/1.0"),
    request(b"Connection: close", host=None),
    request(b"X-A : 1"),
    request(first=b"FROBNICATE / HTTP/1.1"),
    b"PRI * HTTP/2.0\r\n\r\n",
]


@given(st.lists(st.sampled_from(SPENDING), max_size=4))
def test_no_request_spoils_the_parser_for_the_next(before: list[bytes]) -> None:
    """llhttp keeps state between messages and says "Data after `Connection: close`" to whoever comes next."""
    parser = RequestParser()
    for data in before:
        try:
            parser.parse(data)
        except BadRequest:
            pass
    assert parser.parse(request(b"X-A: 1")).forward == parse(request(b"X-A: 1")).forward


# ---------------------------------------------------------------------- is it worth waiting for the rest?


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01", b"get /", b"GET /\nHost", b"\n", b"G" * 40, b"SSH-2.0-x\n", b"GET / HTTP/1.1\r\nA: 1\n",
        b"\r\r", b"\rG", b"GET /\r\n", b"GET\r", b"GET / HTTP/1.1\rH", b"GET / HTTP/1.1 x",
    ],
)  # fmt: skip
def test_garbage_is_not_waited_for(data: bytes) -> None:
    assert not could_be_request(data)


@pytest.mark.parametrize(
    ("data", "left"),
    [
        (b"\r\nGET", b"GET"),
        (b"\r\n\r\n", b""),
        (b"\r\n\r", b"\r"),
        (b"\rGET", b"\rGET"),
        (b"\nGET", b"\nGET"),
        (b"", b""),
    ],
)
def test_whole_empty_lines_are_skipped(data: bytes, left: bytes) -> None:
    assert skip_empty_lines(data) == left


@given(st.integers(0, 200))
def test_every_beginning_of_a_head_is_waited_for(cut: int) -> None:
    data = b"\r\n" + request(b"X-A: 1", first=b"M-SEARCH * HTTP/1.1")
    assert could_be_request(skip_empty_lines(data[: cut % len(data)]) or b"M")


# ---------------------------------------------------------------------- h11 as the second opinion

FIELD = st.tuples(st.one_of(TOKEN, st.sampled_from(sorted(HOP_BY_HOP | FORWARDING))), VALUE).filter(
    lambda field: field[0].lower() not in FRAMING
)
TARGET = st.text([chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"#<>\\'], max_size=20).map(
    lambda text: b"/" + text.encode()
)


def ask_h11(data: bytes) -> h11.Request:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    event = connection.next_event()
    assert isinstance(event, h11.Request)
    return event


def is_passed_on(name: bytes, named: Iterable[bytes]) -> bool:
    name = name.lower()
    is_kept = b"_" not in name and not name.startswith(b"x-forwarded-")
    return is_kept and name not in {*named, *HOP_BY_HOP, *FORWARDING, *FRAMING}


@given(
    st.sampled_from([b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS"]),
    TARGET,
    st.lists(FIELD, max_size=8),
    BODY,
    st.lists(TOKEN, max_size=2),
)
def test_h11_reads_what_we_forward_as_what_the_client_sent(
    method: bytes, target: bytes, fields: Fields, body: Fields, named: list[bytes]
) -> None:
    assume(not {b"close", b"keep-alive", b"upgrade"} & {name.lower() for name in named})
    sent = [*fields, (b"Host", b"a.test"), *body, (b"Connection", b", ".join(named))]
    data = method + b" " + target + b" HTTP/1.1\r\n" + b"".join(b"%b:  %b \r\n" % field for field in sent) + b"\r\n"
    assume(agreed_by_h11(data))
    assume(not {name.lower() for name, _ in fields} & {b"authorization", b"content-type", b"range", b"te"})
    seen = ask_h11(parse(data).forward + b"\r\n")
    lower = {name.lower() for name in named}
    expected = [(name.lower(), value) for name, value in fields if is_passed_on(name, lower)]
    ours = {b"host", b"x-forwarded-host", b"content-length", b"transfer-encoding"}
    got = [(name, value) for name, value in seen.headers if name not in ours]
    assert (seen.method, seen.target) == (method, target)
    assert got[-1] == (b"via", b"1.1 rproxy")
    assert got[:-1] == expected
    framing = [(name, value) for name, value in seen.headers if name in (b"content-length", b"transfer-encoding")]
    if body:
        assert framing == [(body[0][0].lower(), body[0][1])]
    else:
        assert framing in ([], [(b"content-length", b"0")])


def agreed_by_h11(data: bytes) -> bool:
    try:
        ask_h11(data)
    except h11.RemoteProtocolError:
        return False
    return True


SUSPECTS = st.sampled_from([
    b"Content-Length: 1", b"Content-Length: 2", b"Content-Length: +1", b"Content-Length: 1, 1", b"Content-Length: 1,2",
    b"Content-Length:", b"Content-Length : 1", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, chunked", b"transfer-encoding: Chunked", b"Transfer-Encoding: identity",
    b"Host: b.test", b"Host: a b", b"X: 1\rY: 2", b"X: 1\nY: 2", b"X: \0", b"X", b" X: 1", b"\tX: 1", b": 1",
    b"X-A: ok", b"X: \x7f", b"X\x0b: 1",
])  # fmt: skip


@given(st.sampled_from([b"1.1", b"1.0"]), st.lists(SUSPECTS, max_size=4), st.booleans())
def test_what_h11_refuses_we_refuse_too(version: bytes, lines: list[bytes], has_host: bool) -> None:
    """The only exceptions are for h11 being stricter where nothing can be misread; there are none in this grammar."""
    data = request(*lines, first=b"POST / HTTP/" + version, host=b"Host: a.test" if has_host else None)
    if not agreed_by_h11(data):
        with pytest.raises(BadRequest):
            parse(data)


@given(st.sampled_from([b"1.1", b"1.0"]), st.lists(SUSPECTS, max_size=3), st.booleans())
def test_what_we_accept_frames_the_same_for_h11(version: bytes, lines: list[bytes], has_host: bool) -> None:
    data = request(*lines, first=b"POST / HTTP/" + version, host=b"Host: a.test" if has_host else None)
    try:
        head = parse(data)
    except BadRequest:
        return
    headers = dict(ask_h11(head.forward + b"\r\n").headers)
    length = CHUNKED if b"transfer-encoding" in headers else int(headers[b"content-length"])
    assert length == head.length

"""What makes a head acceptable, and what becomes of it. Each rule of DESIGN section 7 that concerns heads is here."""

from __future__ import annotations

import math

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.errors import BadRequest, BadResponse
from proxy.core.http.framing import CHUNKED, UNTIL_CLOSE
from proxy.core.http.headers import HOP_BY_HOP
from proxy.core.http.response import ResponseParser, could_be_response
from tests.core.http.heads import BODY, FRAMING, TOKEN, VALUE, Fields, answer, parse, response


def test_what_a_backend_names_is_dropped_but_never_our_framing() -> None:
    """Some name Transfer-Encoding."""
    head = answer(response(b"Connection: Transfer-Encoding, X-Hop", b"X-Hop: 1", b"Transfer-Encoding: chunked"))
    assert head.persistent == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "length"),
    [
        (response(b"Content-Length: 12"), 12),
        (response(b"Transfer-Encoding: chunked"), CHUNKED),
        (response(), UNTIL_CLOSE),
        (response(first=b"HTTP/1.0 200 OK"), UNTIL_CLOSE),
        (response(first=b"HTTP/1.1 204 No Content"), 0),
        (response(b"Content-Length: 12", first=b"HTTP/1.1 304 Not Modified"), 0),
        (response(b"Transfer-Encoding: chunked", first=b"HTTP/1.1 304 Not Modified"), 0),
        (response(first=b"HTTP/1.1 103 Early Hints"), 0),
    ],
)
def test_length_of_a_response(data: bytes, length: int) -> None:
    assert answer(data).length == length


def test_304_says_how_long_the_body_would_be() -> None:
    assert b"Content-Length: 12\r\n" in answer(response(b"Content-Length: 12", first=b"HTTP/1.1 304 x")).forward


@pytest.mark.parametrize("line", [b"Content-Length: 2", b"Transfer-Encoding: chunked"])
def test_204_that_announces_a_body_spends_its_connection(line: bytes) -> None:
    head = answer(response(line, first=b"HTTP/1.1 204 No Content"))
    assert not head.keep_alive
    assert head.forward == b"HTTP/1.1 204 No Content\r\n"


@pytest.mark.parametrize("line", [b"Content-Length: 2", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("status", [b"100", b"101", b"103"])
def test_interim_answer_with_a_body_is_refused(status: bytes, line: bytes) -> None:
    with pytest.raises(BadResponse) as caught:
        answer(response(line, first=b"HTTP/1.1 " + status + b" x"))
    assert caught.value.reason == "response-interim-body" or status == b"101"  # of which llhttp refuses some


@pytest.mark.parametrize(
    ("field", "expected"),
    [(b"", None), (b"Keep-Alive: timeout=5, max=100\r\n", 5.0), (b"Keep-Alive: max=100\r\n", math.inf)],
)
def test_idle_timeout_that_a_backend_tells(field: bytes, expected: float | None) -> None:
    head = ResponseParser().parse(b"HTTP/1.1 200 OK\r\n" + field + b"Content-Length: 0\r\n\r\n")
    assert head.idle_timeout == expected
    assert b"Keep-Alive" not in head.persistent


def test_response_that_ends_with_its_connection_spends_it() -> None:
    assert not answer(response()).keep_alive


def test_response_is_complete_for_each_kind_of_client() -> None:
    head = answer(response(b"Connection: close, x-hop", b"X-Hop: 1", b"Server: s", b"Transfer-Encoding: chunked"))
    body = b"HTTP/1.1 200 OK\r\nServer: s\r\n"
    chunked = b"Transfer-Encoding: chunked\r\n"
    assert head.for_client(is_1_1=True, keep_alive=True) == head.persistent == body + chunked + b"\r\n"
    assert head.for_client(is_1_1=True, keep_alive=False) == body + chunked + b"Connection: close\r\n\r\n"
    assert head.for_client(is_1_1=False, keep_alive=False) == body + b"Connection: close\r\n\r\n"
    head = answer(response(b"Content-Length: 0"))
    expected = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"
    assert head.for_client(is_1_1=False, keep_alive=True) == expected


def test_upgrade_advertised_in_a_200_is_dropped_and_no_tunnel() -> None:
    head = answer(response(b"Upgrade: h2,h2c", b"Connection: Upgrade, Keep-Alive", b"Content-Length: 0"))
    assert head.forward == b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
    assert head.keep_alive


def test_101_names_its_protocol() -> None:
    first = b"HTTP/1.1 101 Switching Protocols"
    head = answer(response(b"Connection: Upgrade", b"Upgrade: WebSocket", first=first))
    assert head.upgrade == b"websocket"
    assert head.forward == first + b"\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"


@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 099 OK",
        b"HTTP/1.1 600 OK",
        b"HTTP/1.1 999 OK",
        b"HTTP/1.1  200 OK",
        b"HTTP/2.0 200 OK",
        b"HTTP/1.2 200 OK",
        b"ICY 200 OK",
        b"200 OK",
        b"GET / HTTP/1.1",
        b"\x16\x03\x01",
        b"",
    ],
)
def test_what_is_no_status_line_is_refused(first: bytes) -> None:
    with pytest.raises(BadResponse):
        answer(response(b"Content-Length: 0", first=first))


@pytest.mark.parametrize("first", [b"HTTP/1.1 200", b"HTTP/1.1 200 "])
def test_reason_phrase_may_be_missing(first: bytes) -> None:
    assert answer(response(first=first)).forward == b"HTTP/1.1 200 \r\n"


def test_reason_phrase_with_bytes_that_may_not_stand_there_is_left_out_or_refused() -> None:
    for reason in (b"O\x01K", b"O\x7fK", b"O\x0bK"):
        try:
            assert answer(response(first=b"HTTP/1.1 200 " + reason)).forward == b"HTTP/1.1 200 \r\n"
        except BadResponse:
            pass
    assert answer(response(first=b"HTTP/1.1 200 \xe9t\xe9")).forward == b"HTTP/1.1 200 \xe9t\xe9\r\n"


def test_status_lines_remembered_are_bounded() -> None:
    parser = ResponseParser()
    for number in range(1000):
        data = response(b"Content-Length: 0", first=b"HTTP/1.1 200 %d" % number)
        assert parser.parse(data).forward.startswith(b"HTTP/1.1 200 %d\r\n" % number)


SPENDING_ANSWERS = [
    response(b"Connection: close", b"Content-Length: 0"),
    response(b"Proxy-Connection: close", b"Content-Length: 0"),
    response(b"Content-Length: 5"),
    response(b"Transfer-Encoding: chunked"),
    response(),
    response(b"Content-Length: 0"),
    response(b"Content-Length: 5", first=b"HTTP/1.1 304 Not Modified"),
    response(b"Transfer-Encoding: chunked", first=b"HTTP/1.1 304 Not Modified"),
    response(b"Transfer-Encoding: chunked", first=b"HTTP/1.1 204 No Content"),
    response(b"Content-Length: 0", first=b"HTTP/1.0 200 OK"),
    response(b"Connection: upgrade", b"Upgrade: websocket", first=b"HTTP/1.1 101 x"),
    response(first=b"HTTP/1.1 101 x"),
    response(first=b"HTTP/1.1 100 Continue"),
    response(b"X-A : 1"),
]


@given(st.lists(st.sampled_from(SPENDING_ANSWERS), max_size=4))
def test_no_response_spoils_the_parser_for_the_next(before: list[bytes]) -> None:
    parser = ResponseParser()
    for data in before:
        try:
            parser.parse(data)
        except BadResponse:
            pass
    assert parser.parse(response(b"X-A: 1")).forward == answer(response(b"X-A: 1")).forward


@pytest.mark.parametrize(
    "data",
    [
        b"x", b"HTTP/2", b"http/1.1", b"HTTP/1.1 6", b"HTTP/1.1 2000", b"HTTP/1.1 200 OK\n", b"HTTP/1.1 200 OK\rX",
        b"HTTP/1.1 200OK", b"HTTP/1.1 200 OK\r\nA: 1\nB", b"<html>", b"\r\n",
        b"\x15\x03\x03\0\x02\x02\x46", b"ICY 200 OK",
    ],
)  # fmt: skip
def test_garbage_of_a_backend_is_not_waited_for(data: bytes) -> None:
    assert not could_be_response(data)


@pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK", b"HTTP/1.0 599", b"HTTP/1.1 304 ", b"HTTP/1.1 103 Early Hints"])
def test_every_beginning_of_an_answer_is_waited_for(first: bytes) -> None:
    data = response(b"X-A: 1", first=first)
    assert all(could_be_response(data[:cut]) for cut in range(1, len(data)))


@given(st.lists(st.tuples(TOKEN, VALUE).filter(lambda field: field[0].lower() not in FRAMING), max_size=6), BODY)
def test_h11_reads_what_we_pass_on_of_a_response(fields: Fields, body: Fields) -> None:
    data = response(*(b"%b: %b" % field for field in [*fields, *body]))
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(answer(data).persistent)
    event = connection.next_event()
    assert isinstance(event, h11.Response)
    expected = [(name.lower(), value) for name, value in fields if name.lower() not in HOP_BY_HOP]
    assert [field for field in event.headers if field[0] not in FRAMING] == expected


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise_anything_else(data: bytes) -> None:
    for feed, error in ((parse, BadRequest), (answer, BadResponse)):
        for start in (b"", b"GET / HTTP/1.1\r\nHost: a\r\n", b"HTTP/1.1 200 OK\r\n"):
            try:
                feed((start + data).partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
            except error:
                pass

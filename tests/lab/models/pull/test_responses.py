"""Responses as applications send them: where each ends, and what a client gets of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.lab.models.pull.responses import Response, plain, with_connection
from proxy.lab.response_heads import Garbled, ResponseHeads

SIZED = b"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nrest"
NONE = b"HTTP/1.1 204 No Content\r\n\r\n"


def response(*, largest: int = 1000, is_to_head: bool = False) -> Response:
    return Response(ResponseHeads(), largest, is_to_head=is_to_head)


@pytest.mark.parametrize(
    ("sent", "content"),
    [
        (SIZED, SIZED),
        (CHUNKED, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
        (NONE, NONE),
    ],
    ids=["sized", "chunked", "none"],
)
@given(cut=st.integers(1, 40))
def test_it_is_whole_at_its_last_byte(sent: bytes, content: bytes, cut: int) -> None:
    one = response()
    cut = min(cut, len(sent) - 1)
    assert not one.feed(sent[:cut])
    assert one.feed(sent[cut:])
    assert (one.content, one.keep_alive) == (content, True)


def test_one_that_ends_with_its_connection_gets_a_length() -> None:
    one = response()
    assert not one.feed(UNTIL_CLOSE)
    assert one.end()
    assert one.content == b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nrest"
    assert not one.keep_alive


def test_one_to_head_has_no_body_whatever_it_says() -> None:
    one = response(is_to_head=True)
    assert one.feed(SIZED.removesuffix(b"hello"))
    assert one.content == SIZED.removesuffix(b"hello")


def test_one_that_is_cut_off_is_none() -> None:
    one = response()
    assert not one.feed(SIZED[:-1])
    assert not one.end()


@pytest.mark.parametrize(
    "data",
    [b"hello\r\n\r\n", SIZED + b"x", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n", CHUNKED + b"x",
     b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 1000,
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"],
    ids=["no response", "more behind it", "many fields", "more behind chunks", "too large", "no chunk"],
)  # fmt: skip
def test_what_is_no_response_is_told(data: bytes) -> None:
    with pytest.raises(Garbled):
        response().feed(data)


def test_a_client_is_told_when_the_connection_does_not_go_on() -> None:
    assert with_connection(SIZED, is_1_1=True, keep_alive=True) == SIZED
    closed = with_connection(SIZED, is_1_1=True, keep_alive=False)
    assert closed == SIZED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert b"Connection: keep-alive\r\n" in with_connection(SIZED, is_1_1=False, keep_alive=True)


def test_one_of_our_own_can_be_read() -> None:
    one = response()
    assert one.feed(plain(504, "nobody answered"))
    assert one.content == plain(504, "nobody answered")

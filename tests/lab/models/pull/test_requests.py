"""Requests as they come from clients: what an application gets of them, where each ends, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.errors import BadRequest
from proxy.lab.models.pull.requests import Request, RequestHeads, Requests

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n"
)
ALL = GET + POST + b"\r\n" + CHUNKED + GET


def requests(largest: int = 1000) -> Requests:
    return Requests(RequestHeads(), largest)


def all_of(pieces: list[bytes]) -> list[Request]:
    reader, found = requests(), []
    for piece in pieces:
        reader.feed(piece)
        while (request := reader.next()) is not None:
            found.append(request)
    return found


def test_an_application_gets_head_and_body() -> None:
    get, post, chunked, again = all_of([ALL])
    assert get.content.startswith(b"GET /a HTTP/1.1\r\nHost: h\r\n")
    assert get.content.endswith(b"\r\n\r\n")
    assert b"Content-Length: 5\r\n" in post.content
    assert post.content.endswith(b"\r\n\r\nhello")
    assert chunked.content.endswith(b"\r\n\r\n5\r\nabcde\r\n0\r\n\r\n")
    assert again.content == get.content


@given(st.lists(st.integers(1, len(ALL) - 1), max_size=10).map(sorted))
def test_however_the_bytes_are_split_the_requests_are_the_same(cuts: list[int]) -> None:
    pieces = [ALL[start:end] for start, end in zip([0, *cuts], [*cuts, len(ALL)], strict=True)]
    assert [request.content for request in all_of(pieces)] == [request.content for request in all_of([ALL])]


def test_who_waits_with_the_body_is_told_to_go_on_once() -> None:
    reader = requests()
    reader.feed(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
    assert reader.next() is None
    assert reader.wants_to_go_on()
    assert not reader.wants_to_go_on()
    reader.feed(b"x")
    request = reader.next()
    assert request is not None
    assert b"Expect" not in request.content


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 70_000, 431),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001, 413),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400),
    ],
    ids=["no host", "no HTTP", "long head", "too large", "too large in chunks", "no chunk"],
)
def test_what_is_no_job_is_refused(data: bytes, status: int) -> None:
    reader = requests()
    reader.feed(data)
    with pytest.raises(BadRequest) as caught:
        reader.next()
    assert caught.value.status == status

"""The judges of the other tests here can say no: a verdict for each kind of damage, without a proxy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.hostile.lie_trial import Seen, faults
from tests.hostile.lies import POISON, Lie
from tests.hostile.strict_client import read_response, read_with_h11
from tests.hostile.strict_reader import read_all

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
SHORT = OK[:-1]
TRUTH = Lie(OK, (), closes=False, to_head=False, is_1_1=True, takes_trailers=False)
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"


def seen(data: bytes, *, was_reset: bool = False, next_answers: tuple[bytes, ...] = ()) -> Seen:
    return Seen(data, was_reset, is_stuck=False, next_answers=next_answers)


def test_the_truth_is_whole() -> None:
    assert faults(TRUTH, seen(OK)) == ("whole", [])


@pytest.mark.parametrize(
    ("lie", "got"),
    [
        (replace(TRUTH, data=SHORT), seen(SHORT + b"x")),  # made whole
        (replace(TRUTH, data=SHORT), seen(b"HTTP/1.0 200 OK\r\n\r\nhell")),  # ended cleanly
        (TRUTH, seen(OK.replace(b"hello", b"jelly"))),
        (TRUTH, seen(SHORT)),
        (TRUTH, seen(OK + POISON)),
        (TRUTH, seen(OK, next_answers=(POISON,))),
        (TRUTH, seen(b"hello")),
        (TRUTH, seen(OK.replace(b"OK\r\n", b"OK\r\nX: y\r\n"))),
        (TRUTH, replace(seen(OK), is_stuck=True)),
        (replace(TRUTH, data=OK.replace(b"OK", b"OK\r\nX: a\x00b")), seen(OK)),
        (replace(TRUTH, data=CHUNKS + b"X: y\r\n\r\n"), seen(CHUNKS + b"X: y\r\n\r\n")),  # who did not ask for trailers
        (replace(TRUTH, data=CHUNKS), seen(CHUNKS + b"\r\n")),
        (TRUTH, seen(b"HTTP/1.1 500 No\r\nX-Rproxy-Error: a/b\r\nContent-Length: 0\r\n\r\n")),
    ],
    ids=repr,
)
def test_what_a_client_may_not_see(lie: Lie, got: Seen) -> None:
    assert faults(lie, got)[1] != []


@pytest.mark.parametrize("read", [read_response, read_with_h11])
def test_a_reset_is_no_end(read: type[object]) -> None:
    bare = b"HTTP/1.1 200 OK\r\n\r\nhello"
    assert read(bare, has_ended=True).end == "whole"  # type: ignore[attr-defined,call-arg]
    assert read(bare, has_ended=False).end == "cut"  # type: ignore[attr-defined,call-arg]


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "complete"),
        (b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "complete"),
        (b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "broken"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nx", "last"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", "incomplete"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "broken"),
        (b"GET / HTTP/1.1\nHost: a\r\n\r\n", "broken"),
    ],
)
def test_the_strict_reader_of_requests(data: bytes, end: str) -> None:
    assert read_all(data).end == end

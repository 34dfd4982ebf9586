"""Answers in any pieces; what follows one that nobody asked for; what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.lab.load.clients.answer import Answers
from proxy.lab.response_heads import LARGEST_HEAD, Garbled, ResponseHeads

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + LENGTH
WHOLE = {LENGTH: (200, True), CHUNKED: (503, True), EMPTY: (204, False), INTERIM: (200, True)}
UNTIL_CLOSE = b"HTTP/1.0 200 OK\r\n\r\nhello"


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    return [data[start:end] for start, end in zip(edges, edges[1:], strict=False)]  # noqa: RUF007 - with its twin


@given(st.lists(st.tuples(st.sampled_from(sorted(WHOLE)), st.lists(st.integers(0, 200), max_size=5)), max_size=4))
def test_any_split_of_any_answers_on_one_connection(sent: list[tuple[bytes, list[int]]]) -> None:
    answers = Answers(ResponseHeads())
    for data, cuts in sent:
        *early, last = pieces(data, cuts)
        for piece in early:
            assert not answers.feed(piece)
        assert answers.feed(last)
        assert (answers.status, answers.keep_alive) == WHOLE[data]


def test_a_body_until_the_close() -> None:
    answers = Answers(ResponseHeads())
    assert not answers.feed(UNTIL_CLOSE)
    assert answers.end()
    assert (answers.status, answers.keep_alive) == (200, False)


@pytest.mark.parametrize("data", [b"", LENGTH[:10], LENGTH[:-1], CHUNKED[:-2]])
def test_a_close_in_the_midst_is_no_end(data: bytes) -> None:
    answers = Answers(ResponseHeads())
    assert not data or not answers.feed(data)
    assert not answers.end()


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"x" * (LARGEST_HEAD + 1),
        LENGTH + b"x",
        CHUNKED + b"x",
        CHUNKED.replace(b"5\r\n", b"g\r\n"),
    ],
)
def test_what_is_no_answer(data: bytes) -> None:
    with pytest.raises(Garbled):
        Answers(ResponseHeads()).feed(data)


def test_a_head_is_parsed_once() -> None:
    heads = ResponseHeads()
    text = LENGTH[:-5]
    first, second = heads.parse(text), heads.parse(text)
    assert heads.known(text) is second
    assert first.status == second.status == 200

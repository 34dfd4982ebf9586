"""Replies of a queue server, however their bytes are split."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.lab.models.queue.replies import Replies, Reply

SAID = b"WATCHING 2\r\nRESERVED 7 6\r\na\r\nb\r\n\r\nDELETED\r\nOK 0\r\n\r\nFOUND 1 1\r\nx\r\n"
REPLIES = [
    Reply([b"WATCHING", b"2"], b""),
    Reply([b"RESERVED", b"7", b"6"], b"a\r\nb\r\n"),
    Reply([b"DELETED"], b""),
    Reply([b"OK", b"0"], b""),
    Reply([b"FOUND", b"1", b"1"], b"x"),
]


@given(st.lists(st.integers(1, len(SAID) - 1), max_size=8).map(sorted))
def test_they_are_the_same(cuts: list[int]) -> None:
    replies, found = Replies(), []
    for start, end in zip([0, *cuts], [*cuts, len(SAID)], strict=True):
        found += replies.feed(SAID[start:end])
    assert found == REPLIES

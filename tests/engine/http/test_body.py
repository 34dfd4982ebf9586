"""Codecs without sockets, and the flow that drives one with real ones."""

from __future__ import annotations

import itertools
import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.errors import BadRequest
from proxy.core.http.chunked import ChunkError
from proxy.engine.flow import BLOCKED, DONE, DRY, MORE, SinkError, SourceError
from proxy.engine.http.body import DENSE_READ, AddChunks, Codec, CodecFlow, Counted, DropChunks, Rechunk
from tests.engine.support import undo_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[tuple[Pair, Pair]]:
    """(far end, source), (sink, far end)."""
    source, sink = socket.socketpair(), socket.socketpair()
    for sock in (*source, *sink):
        sock.setblocking(False)
    yield source, sink
    for sock in (*source, *sink):
        sock.close()


def chunks(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


BODIES = st.lists(st.binary(min_size=1, max_size=50), max_size=6)


def feed(codec: Codec, data: bytes, cuts: list[int]) -> bytes:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    out = b""
    for start, end in itertools.pairwise(edges):
        if not codec.is_done:
            out += codec.feed(data[start:end])
        else:
            codec.rest += data[start:end]
    return out


@given(BODIES, st.lists(st.integers(0, 500), max_size=8))
def test_any_split_of_chunks_gives_the_same_body(pieces: list[bytes], cuts: list[int]) -> None:
    data = chunks(*pieces) + b"GET /next"
    bare, again = DropChunks(), Rechunk()
    assert feed(bare, data, cuts) == b"".join(pieces)
    assert undo_chunks(feed(again, data, cuts)) == b"".join(pieces)
    assert bare.is_done
    assert again.is_done
    assert bare.rest == again.rest == b"GET /next"


@given(BODIES)
def test_chunks_added_are_taken_off_again(pieces: list[bytes]) -> None:
    add = AddChunks()
    data = b"".join(add.feed(piece) for piece in pieces) + add.end()
    assert add.is_done
    assert DropChunks().feed(data) == b"".join(pieces)
    assert AddChunks().feed(b"") == b""


@pytest.mark.parametrize("kind", [Rechunk, DropChunks])
def test_chunks_may_not_end_before_their_last(kind: type[Rechunk | DropChunks]) -> None:
    codec = kind()
    codec.feed(b"5\r\nab")
    with pytest.raises(ChunkError):
        codec.end()


def test_limit_counts_the_body_and_not_its_frame() -> None:
    codec = Rechunk(5)
    codec.feed(b"1;" + b"x" * 100 + b"\r\na\r\n4\r\nbcde\r\n")
    with pytest.raises(BadRequest) as caught:
        codec.feed(b"1\r\nf\r\n")
    assert caught.value.status == 413


def test_flow_stops_at_the_end_of_the_body_and_keeps_what_is_behind_it(ends: tuple[Pair, Pair]) -> None:
    (sender, source), (sink, receiver) = ends
    flow = CodecFlow(source, sink, DropChunks())
    assert flow.pump() == DRY
    sender.send(chunks(b"abc", b"de") + b"next")
    assert flow.pump() == DONE
    assert receiver.recv(100) == b"abcde"
    assert flow.codec.rest == b"next"
    assert not flow.is_ended
    assert flow.pump() == DONE


def test_flow_waits_for_a_full_sink_and_goes_on(ends: tuple[Pair, Pair]) -> None:
    (sender, source), (sink, receiver) = ends
    flow = CodecFlow(source, sink, AddChunks())
    body, received, sent = b"x" * 3_000_000, b"", 0
    seen = set()
    while sent < len(body):
        try:
            sent += sender.send(body[sent : sent + 200_000])
        except BlockingIOError:
            received += receive(receiver)
        seen.add(flow.pump())
        assert flow.held <= 70_000
    sender.shutdown(socket.SHUT_WR)
    while flow.pump() != DONE:
        received += receive(receiver)
    received += receive(receiver)
    assert seen >= {BLOCKED}
    assert seen <= {BLOCKED, DRY, MORE}
    assert undo_chunks(received) == body
    assert flow.is_ended


def receive(sock: socket.socket) -> bytes:
    data = b""
    try:
        while part := sock.recv(1 << 20):
            data += part
    except BlockingIOError:
        pass
    return data


def test_tiny_chunks_are_read_in_small_turns_and_large_ones_again_in_large_ones(ends: tuple[Pair, Pair]) -> None:
    (far, source), (sink, reader) = ends
    tiny, large = b"1\r\nx\r\n" * 16_000, b"8000\r\n%b\r\n" % bytes(0x8000)
    assert far.send(tiny + large * 2) == len(tiny + large * 2)
    flow = CodecFlow(source, sink, Rechunk())
    sizes, body = [], b""
    while (stopped := flow.pump()) == MORE:
        sizes.append(flow.left)
        body += reader.recv(1 << 20)
    steps = [before - after for before, after in itertools.pairwise(sizes)]
    assert stopped == DRY
    assert set(steps) == {DENSE_READ}
    assert undo_chunks(body + reader.recv(1 << 20) + b"0\r\n\r\n") == b"x" * 16_000 + bytes(2 * 0x8000)


def test_flow_reads_to_the_end_once_a_hang_up_was_seen(ends: tuple[Pair, Pair]) -> None:
    (sender, source), (sink, receiver) = ends
    flow = CodecFlow(source, sink, AddChunks())
    sender.send(b"abc")
    sender.shutdown(socket.SHUT_WR)
    flow.hang_up = True
    assert flow.pump() == DONE
    assert receiver.recv(100) == b"3\r\nabc\r\n0\r\n\r\n"


def test_whose_fault_a_broken_connection_is(ends: tuple[Pair, Pair]) -> None:
    (sender, source), (sink, receiver) = ends
    receiver.close()
    sender.send(b"abc")
    with pytest.raises(SinkError):
        CodecFlow(source, sink, AddChunks()).pump()
    source.send(b"unread")
    sender.close()  # over an unread byte: a reset
    with pytest.raises(SourceError):
        CodecFlow(source, sink, AddChunks()).pump()


@given(st.binary(max_size=60), st.integers(0, 80), st.lists(st.integers(0, 500), max_size=8))
def test_counted_bytes_are_passed_on_and_no_others(data: bytes, size: int, cuts: list[int]) -> None:
    counted = Counted(size)
    assert feed(counted, data, cuts) == data[:size]
    assert counted.rest == data[size:]
    assert counted.left == max(0, size - len(data))
    assert counted.is_done == (len(data) >= size)

"""One direction of bytes, over socket pairs: every byte once and in order, whatever the pace of either side."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.engine import flow as flow_module
from proxy.engine.flow import (
    BLOCKED,
    DONE,
    DRY,
    ENDLESS,
    FIRST_READ,
    MORE,
    PIPE_SIZE,
    Flow,
    Pipe,
    SinkError,
    SourceError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Ends:
    """sender → source, flow, sink → receiver."""

    def __init__(self) -> None:
        self.sender, self.source = socket.socketpair()
        self.sink, self.receiver = socket.socketpair()
        for sock in (self.sender, self.source, self.sink, self.receiver):
            sock.setblocking(False)
        self.received = b""

    def flow(self, left: int = ENDLESS) -> Flow:
        return Flow(self.source, self.sink, left)

    def send(self, data: bytes) -> int:
        try:
            return self.sender.send(data)
        except BlockingIOError:
            return 0

    def receive(self, limit: int = 1 << 30) -> None:
        while limit > 0:
            try:
                data = self.receiver.recv(min(limit, 1 << 20))
            except BlockingIOError:
                return
            if not data:
                return
            self.received += data
            limit -= len(data)

    def close(self) -> None:
        for sock in (self.sender, self.source, self.sink, self.receiver):
            sock.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    ends = Ends()
    yield ends
    ends.close()


@pytest.fixture
def no_pipes(monkeypatch: pytest.MonkeyPatch) -> list[Pipe]:
    """None kept from elsewhere; those given back are here."""
    kept: list[Pipe] = []
    monkeypatch.setattr(Pipe, "_free", kept)
    yield kept
    while kept:
        pipe = kept.pop()
        os.close(pipe.read_end)
        os.close(pipe.write_end)


def bytes_of(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def push(ends: Ends, flow: Flow, data: bytes, *, piece: int = 1 << 20, take: int = 1 << 30) -> set[int]:
    """Sends all of it through the flow, and returns what `pump` stopped for."""
    stops, sent = set(), 0
    while sent < len(data) or flow.held:
        sent += ends.send(data[sent : sent + piece])
        stops.add(flow.pump())
        ends.receive(take)
    return stops


# ---------------------------------------------------------------------- small messages


def test_nothing_to_read_is_dry(ends: Ends) -> None:
    flow = ends.flow()
    assert flow.pump() == DRY
    assert (flow.held, flow.moved) == (0, 0)


def test_message_passes(ends: Ends) -> None:
    flow = ends.flow()
    ends.send(b"hello")
    assert flow.pump() == DRY
    ends.receive()
    assert ends.received == b"hello"
    assert flow.moved == 5


def test_what_was_put_goes_first(ends: Ends) -> None:
    flow = ends.flow()
    flow.put(b"first, ")
    ends.send(b"second")
    assert flow.held == 7
    assert flow.pump() == DRY
    ends.receive()
    assert ends.received == b"first, second"


def test_end_of_the_source_is_done_and_not_passed_on(ends: Ends) -> None:
    flow = ends.flow()
    ends.send(b"hello")
    ends.sender.shutdown(socket.SHUT_WR)
    assert [flow.pump(), flow.pump()] == [DRY, DONE]
    assert flow.is_ended
    ends.receive()
    with pytest.raises(BlockingIOError):
        ends.receiver.recv(1)


def test_short_read_after_a_hang_up_is_not_the_end_of_reading(ends: Ends) -> None:
    """No further event will come."""
    flow = ends.flow()
    ends.send(b"hello")
    ends.sender.shutdown(socket.SHUT_WR)
    flow.hang_up = True
    assert flow.pump() == DONE
    assert flow.is_ended


@pytest.mark.parametrize("behind", [b"", b"next"])
def test_counted_flow_stops_at_its_count(ends: Ends, behind: bytes) -> None:
    flow = ends.flow(5)
    ends.send(b"12345" + behind)
    assert flow.pump() == DONE
    assert not flow.is_ended
    ends.receive()
    assert ends.received == b"12345"
    if behind:
        assert ends.source.recv(100) == behind
    assert flow.pump() == DONE


def test_counted_flow_whose_source_ends_early_says_both(ends: Ends) -> None:
    flow = ends.flow(5)
    ends.send(b"123")
    ends.sender.shutdown(socket.SHUT_WR)
    flow.hang_up = True
    assert flow.pump() == DONE
    assert flow.is_ended
    assert flow.left == 2


def test_fast_source_gets_a_bounded_number_of_rounds(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_module, "MAX_ROUNDS", 2)
    flow = ends.flow()
    ends.send(b"x" * FIRST_READ * 3)
    assert flow.pump() == MORE
    assert flow.pump() == DRY


def test_sink_may_be_exchanged_before_it_took_anything(ends: Ends) -> None:
    other, far = socket.socketpair()
    with other, far:
        flow = ends.flow()
        flow.put(b"hello")
        flow.set_sink(other)
        assert flow.pump() == DRY
        assert far.recv(100) == b"hello"


# ---------------------------------------------------------------------- much data


@pytest.mark.parametrize("size", [FIRST_READ, FIRST_READ + 1, 300_000, 5_000_000])
@pytest.mark.parametrize("is_counted", [False, True])
def test_long_streams_arrive_unchanged(ends: Ends, size: int, is_counted: bool, no_pipes: list[Pipe]) -> None:
    flow = ends.flow(size if is_counted else ENDLESS)
    data = bytes_of(size)
    push(ends, flow, data)
    assert ends.received == data
    assert flow.moved == size
    if not is_counted:
        ends.sender.shutdown(socket.SHUT_WR)
    while flow.pump() != DONE:
        pass
    flow.close()
    assert flow.is_ended is not is_counted


def test_slow_sink_blocks_and_memory_is_bounded(ends: Ends) -> None:
    flow = ends.flow()
    for _ in range(50):
        ends.send(b"x" * 1_000_000)
        flow.pump()
    assert flow.pump() == BLOCKED
    assert flow.held <= PIPE_SIZE
    flow.close()


def test_bulk_goes_through_a_pipe_which_is_given_back(ends: Ends, no_pipes: list[Pipe]) -> None:
    flow = ends.flow()
    data = bytes_of(3_000_000)
    push(ends, flow, data)
    assert flow._pipe is not None
    assert no_pipes == []
    ends.send(b"short")  # small messages again
    flow.pump()
    ends.receive()
    assert ends.received == data + b"short"
    assert flow._pipe is None
    assert len(no_pipes) == 1


def test_pipe_is_closed_when_it_holds_bytes_and_kept_when_it_does_not(ends: Ends, no_pipes: list[Pipe]) -> None:
    flow = ends.flow()
    push(ends, flow, bytes_of(3_000_000))
    flow.close()
    flow.close()
    assert len(no_pipes) == 1
    flow = ends.flow()
    push(ends, flow, bytes_of(600_000))
    while flow.pump() != BLOCKED:
        ends.send(b"x" * 1_000_000)
    assert flow.held
    pipe = flow._pipe
    assert pipe is not None
    flow.close()
    assert no_pipes == []
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(pipe.read_end)


def test_pipes_kept_are_bounded(no_pipes: list[Pipe]) -> None:
    pipes = [Pipe.acquire() for _ in range(Pipe.KEPT + 2)]
    for pipe in pipes:
        assert pipe is not None
        pipe.release(0)
    assert len(no_pipes) == Pipe.KEPT


def test_pipes_in_use_are_bounded_and_bytes_are_copied_beyond(
    ends: Ends, no_pipes: list[Pipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Pipe.used
    monkeypatch.setattr(Pipe, "MOST", before + 1)
    pipe = Pipe.acquire()
    assert pipe is not None
    assert Pipe.acquire() is None
    pipe.release(0)
    assert Pipe.used == before
    assert Pipe.acquire() is pipe
    assert Pipe.acquire() is None
    pipe.release(1)
    assert Pipe.used == before


def test_without_descriptors_for_a_pipe_bytes_are_copied(
    ends: Ends, no_pipes: list[Pipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(flags: int) -> tuple[int, int]:
        raise OSError("Too many open files")

    monkeypatch.setattr(os, "pipe2", none_left)
    data = bytes_of(3_000_000)
    flow = ends.flow()
    push(ends, flow, data)
    assert ends.received == data
    assert flow._pipe is None


def test_pipe_that_may_not_grow_works_as_it_is(
    ends: Ends, no_pipes: list[Pipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    def over_limit(*args: object) -> int:
        raise PermissionError

    monkeypatch.setattr(flow_module.fcntl, "fcntl", over_limit)
    data = bytes_of(3_000_000)
    flow = ends.flow()
    push(ends, flow, data)
    assert ends.received == data
    flow.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 400_000), max_size=12),
    st.lists(st.integers(1, 300_000), min_size=1, max_size=8),
    st.booleans(),
)
def test_any_pace_of_either_side_gives_the_same_bytes(pieces: list[int], takes: list[int], is_counted: bool) -> None:
    ends = Ends()
    data = bytes_of(sum(pieces))
    flow = ends.flow(len(data) if is_counted else ENDLESS)
    try:
        sent, step = 0, 0
        while sent < len(data):
            sent += ends.send(data[sent : sent + pieces[step % len(pieces)]])
            flow.pump()
            ends.receive(takes[step % len(takes)])
            assert flow.held <= PIPE_SIZE
            step += 1
        ends.sender.shutdown(socket.SHUT_WR)
        flow.hang_up = True
        while flow.pump() != DONE:
            ends.receive()
        ends.receive()
        assert ends.received == data
        assert flow.moved == len(data)
    finally:
        flow.close()
        ends.close()


# ---------------------------------------------------------------------- broken sides


def test_broken_source_and_broken_sink_are_told_apart(ends: Ends) -> None:
    ends.source.send(b"unread")
    ends.sender.close()
    with pytest.raises(SourceError) as source_error:
        ends.flow().pump()
    assert isinstance(source_error.value.__cause__, ConnectionResetError)
    other = Ends()
    other.receiver.close()
    other.send(b"x")
    with pytest.raises(SinkError) as sink_error:
        other.flow().pump()
    assert isinstance(sink_error.value.__cause__, BrokenPipeError)
    other.close()


def test_sink_that_breaks_while_something_is_held_for_it(ends: Ends) -> None:
    flow = ends.flow()
    flow.put(b"x" * 10_000_000)
    assert flow.pump() == BLOCKED
    ends.receiver.close()
    with pytest.raises(SinkError):
        flow.pump()


def test_sides_that_break_while_bytes_go_by_pipe(no_pipes: list[Pipe]) -> None:
    for breaks, error in (("source", SourceError), ("sink", SinkError)):
        ends = Ends()
        flow = ends.flow()
        push(ends, flow, bytes_of(1_000_000))
        assert flow._pipe is not None
        if breaks == "source":
            ends.source.send(b"unread")
            ends.sender.close()
        else:
            ends.receiver.close()
            ends.send(b"x" * 100_000)
        with pytest.raises(error):
            flow.pump()
        flow.close()
        ends.close()

from __future__ import annotations

import select
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio
import trio.testing

from proxy.engine.reactor import HANG_UP, MAX_EVENTS, READ_WRITE, WRITABLE, Reactor
from tests.engine.support import DEADLINE, descriptors, tracebacks, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest


@asynccontextmanager
async def running() -> AsyncIterator[Reactor]:
    reactor = Reactor()
    with trio.fail_after(DEADLINE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reactor.run)
            yield reactor
            nursery.cancel_scope.cancel()
    reactor.close_all()


class End:
    """An owner of one end of a socket pair; notes its events."""

    def __init__(self, reactor: Reactor, mask: int | None = None) -> None:
        self.reactor = reactor
        self.sock, self.peer = socket.socketpair()
        self.sock.setblocking(False)
        self.masks: list[int] = []
        self.crashes: list[Exception] = []
        self.is_closed = False
        if mask is None:
            reactor.register(self.sock.fileno(), self.on_event)
        else:
            reactor.register(self.sock.fileno(), self.on_event, mask)

    def on_event(self, mask: int) -> None:
        self.masks.append(mask)
        try:
            while self.sock.recv(100):
                pass
        except BlockingIOError:
            pass

    def fail(self, *args: object) -> None:
        raise RuntimeError("a defect")

    def crashed(self, error: Exception) -> None:
        self.crashes.append(error)
        self.close()

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self.reactor.close(self.sock)
            self.peer.close()


async def test_handler_is_called_once_per_edge() -> None:
    async with running() as reactor:
        end = End(reactor)
        for count in range(1, 4):
            end.peer.send(b"x")
            await until(lambda: len(end.masks) == count)  # noqa: B023
            await trio.testing.wait_all_tasks_blocked()
            assert len(end.masks) == count
        end.close()


async def test_what_is_readable_already_is_reported_on_registration_and_on_watch() -> None:
    async with running() as reactor:
        end = End(reactor)
        end.peer.send(b"x")
        await until(lambda: end.masks == [select.EPOLLIN])
        reactor.watch(end.sock.fileno(), READ_WRITE)
        await until(lambda: end.masks[1:] == [WRITABLE])
        end.close()


async def test_end_and_reset_are_hang_ups() -> None:
    async with running() as reactor:
        end = End(reactor)
        end.peer.shutdown(socket.SHUT_WR)
        await until(lambda: len(end.masks) == 1)
        assert end.masks[0] & HANG_UP
        end.close()


async def test_handler_can_be_exchanged_and_taken_away() -> None:
    async with running() as reactor:
        first, second = End(reactor), End(reactor)
        reactor.set_handler(first.sock.fileno(), second.on_event)
        first.peer.send(b"x")
        await until(lambda: len(second.masks) == 1)
        assert first.masks == []
        reactor.unregister(first.sock.fileno())
        reactor.unregister(first.sock.fileno())
        first.peer.send(b"x")
        second.peer.send(b"x")
        await until(lambda: len(second.masks) == 2)
        assert len(reactor) == 1
        first.close()
        second.close()


async def test_more_events_than_a_batch_holds_are_all_served() -> None:
    async with running() as reactor:
        ends = [End(reactor) for _ in range(MAX_EVENTS + 20)]
        for end in ends:
            end.peer.send(b"x")
        await until(lambda: all(len(end.masks) == 1 for end in ends))
        for end in ends:
            end.close()


# ---------------------------------------------------------------------- closing


async def test_socket_closed_within_a_batch_keeps_its_number_until_the_batch_is_over() -> None:
    """Else a new socket could get the number, and the old one's event that is still in hand."""
    async with running() as reactor:
        ends = [End(reactor) for _ in range(2)]
        reused: list[int] = []

        def close_both(mask: int) -> None:
            for end in ends:
                number = end.sock.fileno()
                end.close()
                with socket.socket() as other:
                    reused.append(other.fileno())
                assert end.sock.fileno() == number

        for end in ends:
            reactor.set_handler(end.sock.fileno(), close_both)
        numbers = [end.sock.fileno() for end in ends]
        for end in ends:
            end.peer.send(b"x")
        await until(lambda: all(end.sock.fileno() == -1 for end in ends))
        assert len(reused) == 2  # one call closed both: the other's event found no handler
        assert not set(reused) & set(numbers)


async def test_socket_closed_outside_a_batch_is_released_at_once() -> None:
    async with running() as reactor:
        end = End(reactor)
        end.close()
        assert end.sock.fileno() == -1
        reactor.close(end.sock)  # bears it twice


async def test_everything_is_released() -> None:
    before = descriptors()
    async with running() as reactor:
        End(reactor).close()
    assert descriptors() == before


# ---------------------------------------------------------------------- call_soon


async def test_call_soon_runs_behind_the_events_of_its_batch_in_order() -> None:
    async with running() as reactor:
        end, other = End(reactor), End(reactor)
        order: list[str] = []

        def first(mask: int) -> None:
            order.append("event")
            reactor.call_soon(order.append, "soon 1")
            reactor.call_soon(order.append, "soon 2")

        for each in (end, other):
            reactor.set_handler(each.sock.fileno(), first)
            each.peer.send(b"x")
        await until(lambda: len(order) == 6)
        assert order == ["event", "event", "soon 1", "soon 2", "soon 1", "soon 2"]
        end.close()
        other.close()


async def test_call_soon_wakes_a_sleeping_reactor() -> None:
    async with running() as reactor:
        await trio.testing.wait_all_tasks_blocked()
        called: list[int] = []
        reactor.call_soon(called.append, 1)
        await until(lambda: called == [1])


async def test_endless_call_soon_starves_neither_events_nor_trio() -> None:
    async with running() as reactor:
        end = End(reactor)
        turns = 0

        def again() -> None:
            nonlocal turns
            turns += 1
            if not end.masks or turns < 1000:
                reactor.call_soon(again)

        reactor.call_soon(again)
        await trio.lowlevel.checkpoint()
        end.peer.send(b"x")
        await until(lambda: len(end.masks) == 1 and turns >= 1000)
        end.close()


# ---------------------------------------------------------------------- the boundary


async def test_error_in_a_handler_ends_its_owner_and_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as reactor:
        bad, good = End(reactor), End(reactor)
        reactor.set_handler(bad.sock.fileno(), bad.fail)
        for end in (bad, good):
            end.peer.send(b"x")
        await until(lambda: len(good.masks) == 1 and len(bad.crashes) == 1)
        assert reactor.crashes == 1
        assert bad.is_closed
        (record,) = tracebacks(caplog)
        assert "End.fail" in record.getMessage()
        good.close()


async def test_error_in_call_soon_ends_its_owner_and_nobody_else() -> None:
    async with running() as reactor:
        bad, called = End(reactor), []
        reactor.call_soon(bad.fail, 1)
        reactor.call_soon(called.append, 1)
        await until(lambda: called == [1])
        assert len(bad.crashes) == reactor.crashes == 1


async def test_error_in_a_function_without_an_owner_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as reactor:
        reactor.call_soon(lambda: 1 // 0)
        await until(lambda: reactor.crashes == 1)
        assert len(tracebacks(caplog)) == 1


async def test_owner_that_cannot_even_end_does_not_stop_the_reactor(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as reactor:
        bad, called = End(reactor), []
        bad.crashed = bad.fail  # type: ignore[method-assign, assignment]
        reactor.call_soon(bad.fail)
        reactor.call_soon(called.append, 1)
        await until(lambda: called == [1])
        assert len(tracebacks(caplog)) == 2
        bad.close()


async def test_clock_is_read_once_per_batch() -> None:
    async with running() as reactor:
        end = End(reactor)
        before = reactor.now
        await trio.sleep(0.01)
        assert reactor.now == before
        end.peer.send(b"x")
        await until(lambda: len(end.masks) == 1)
        assert reactor.now >= before + 0.01
        assert reactor.read_clock() == reactor.now
        end.close()


async def test_announcement_is_an_event_that_the_kernel_did_not_make() -> None:
    async with running() as reactor:
        end = End(reactor)
        reactor.announce(end.sock.fileno(), select.EPOLLIN)
        reactor.announce(end.peer.fileno(), select.EPOLLIN)  # nobody's: nothing happens
        await until(lambda: bool(end.masks))
        assert end.masks == [select.EPOLLIN]
        end.close()

"""Calls at moments, by the kernel's timer: in order, never early, and at once when the moment has passed."""

from __future__ import annotations

from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING

import trio

from proxy.engine.reactor import Reactor
from proxy.lab.load.alarm import AT_ONCE, Alarm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import Figures


@asynccontextmanager
async def ticking() -> AsyncIterator[Alarm]:
    reactor = Reactor()
    alarm = Alarm(reactor, monotonic)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reactor.run)
        with trio.fail_after(10):
            yield alarm
        nursery.cancel_scope.cancel()
    alarm.close()
    reactor.close_all()


async def test_calls_come_in_the_order_of_their_moments_and_not_early(figures: Figures) -> None:
    called: list[tuple[float, float]] = []
    start = monotonic() + 0.01
    wanted = [start + n / 1000 for n in (3, 1, 2, 1)]
    done = trio.Event()
    async with ticking() as alarm:
        for at in wanted:
            alarm.call_at(at, lambda at: called.append((at, monotonic())))
        alarm.call_at(start + 0.004, lambda at: done.set())
        await done.wait()
    assert [at for at, _ in called] == sorted(wanted)
    assert all(now >= at for at, now in called)
    figures(f"the load generator's alarm rings {max(now - at for at, now in called) * 1e6:.0f} us late at most, of 4")


async def test_a_moment_in_the_past_is_now_and_so_are_thousands() -> None:
    called: list[float] = []
    done = trio.Event()
    async with ticking() as alarm:
        for n in range(AT_ONCE * 3):
            alarm.call_at(n / 1000, called.append)
        alarm.call_at(monotonic(), lambda at: done.set())
        await done.wait()
    assert called == [n / 1000 for n in range(AT_ONCE * 3)]


async def test_a_call_may_set_the_next() -> None:
    times: list[float] = []
    done = trio.Event()
    async with ticking() as alarm:

        def again(at: float) -> None:
            times.append(at)
            if len(times) == 5:
                done.set()
            else:
                alarm.call_at(at + 0.001, again)

        alarm.call_at(monotonic(), again)
        await done.wait()
    assert len(times) == 5


async def test_a_call_that_raises_takes_no_other_along() -> None:
    def broken(at: float) -> None:
        raise ZeroDivisionError

    done = trio.Event()
    async with ticking() as alarm:
        alarm.call_at(monotonic(), broken)
        alarm.call_at(monotonic() + 0.001, lambda at: done.set())
        await done.wait()

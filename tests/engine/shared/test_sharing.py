"""What a process is told to share, and tells; `test_shared_pool.py` has the rest."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from random import random
from time import monotonic_ns, sleep
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import TcpAddress
from proxy.core.config import Config
from proxy.core.workers.share import Share
from proxy.engine.scoreboard import BACKEND, FRONTEND
from proxy.engine.shared import sharing as module
from tests.engine.shared.support import Worker, forked, keeping, pool_settings, sharing
from tests.engine.support import config, until

if TYPE_CHECKING:
    from proxy.engine.backend import LiveBackend
    from tests.conftest import Figures


CONFIG = config(TcpAddress("127.0.0.1", 9000))


@dataclass
class Counting:
    """What counts in a frontend."""

    active: int
    accepted: int
    completed: int
    failures: Counter[str]


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_semaphores_that_are_known_already_are_not_kept_twice() -> None:
    with sharing(1, 2) as (one, _):
        before = descriptors()
        one.share = None  # as for a new worker: the whole of it
        one.adopt()
        assert descriptors() == before
        one.take()


def test_a_semaphore_is_closed_behind_its_last_user() -> None:
    """A pool that a reload removed finishes its work; meanwhile another of its name may have come."""
    settings = pool_settings(1)
    with sharing(1) as (one, two):
        before = descriptors()
        old = one.pool
        one.take()
        one.keeper.configure(Config(frontends={}, pools={}))
        one.adopt()
        assert descriptors() == before - 1  # the keeper's
        old.give_back(one.held.pop())
        one.keeper.configure(Config(frontends={}, pools={"app": settings}))
        one.keeper.settle_all()
        one.adopt()
        one.make_pool(settings)
        assert descriptors() == before + 2  # a semaphore and a watch
        one.take()
        assert two.pool.take() is not None  # of the old one's semaphore, as long as it knows of no other
        assert one.pool.take() is None
        old.close()
        assert descriptors() == before
        one.give_back()
        one.take()
        assert one.sharing.has(one.pool.backends[0])
        two.reactor.now = 10.0
        two.wait()
        one.look()
        assert one.pool.others_wait  # the new one has the row, and the end of the old one has not changed that


def test_a_pool_or_backend_that_nobody_shares_is_refused() -> None:
    settings = pool_settings(1)
    with keeping(settings, 1) as keeper:
        worker = Worker(keeper, 1, settings)
        worker.sharing.adopt(Share())
        with pytest.raises(KeyError):
            worker.sharing.enter_pool(worker.pool)
        worker.close()


def test_picks_and_a_sign_of_life_are_published() -> None:
    with sharing(0) as (one, two):
        one.take()
        one.take()
        one.reactor.now = 12.5
        one.sharing.publish()
        assert one.keeper.board.each(BACKEND, "picked", 0) == [0, 2, 0]
        assert two.keeper.board.column(1).heartbeat == 12.5


def test_what_frontends_count_is_told_at_each_look() -> None:
    with sharing(0) as (one, _):
        one.keeper.configure(CONFIG)
        one.adopt()
        one.sharing.frontends = {
            "web": Counting(active=2, accepted=30, completed=20, failures=Counter(reset=3, closed=5))
        }  # type: ignore[dict-item]
        one.look()
        board = one.keeper.board
        assert [board.each(FRONTEND, field)[1] for field in ("active", "accepted", "exchanges")] == [2, 30, 28]
        assert one.keeper.retire(1) == {"web": (30, 28)}
        assert board.each(FRONTEND, "active") == [0, 0, 0]
        assert board.each(FRONTEND, "exchanges") == [28, 0, 0]


def test_looks_are_a_small_share_of_the_time_whatever_they_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    with sharing(0) as (one, _):
        clock = [10.0]
        monkeypatch.setattr(module, "monotonic", lambda: clock[0])
        looks = 0

        def look() -> None:
            nonlocal looks
            looks += 1
            clock[0] += cost

        monkeypatch.setattr(one.sharing, "look", look)
        one.sharing._due = 0.0
        for cost in (0.000_01, 0.001):
            begin, looks = clock[0], 0
            while clock[0] < begin + 1.0:
                clock[0] += 0.000_1
                one.reactor.clock()
            assert looks == pytest.approx(min(1 / module.LOOK_EVERY, 1 / cost / module.MOST_OF_TIME), rel=0.15)


def test_a_look_that_fails_costs_no_batch(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    with sharing(0) as (one, _):

        def fail() -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(one.sharing, "look", fail)
        one.sharing._due = 0.0
        one.reactor.call_soon(one.take)
        one.reactor._run_batch()
        assert one.held
        assert one.reactor.crashes == 1
        assert "ZeroDivisionError" in caplog.text


async def test_work_whose_turn_never_comes_is_looked_at_again() -> None:
    with sharing(1) as (one, two):
        one.take()
        two.reactor.now = 10.0
        two.wait()
        one.reactor.now = 20.0
        work = one.wait()
        one.give_back()  # to worker two, which sleeps
        with trio.fail_after(8):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(one.reactor.run)
                nursery.start_soon(one.sharing.run)
                await until(lambda: work.got is not None)
                nursery.cancel_scope.cancel()


def test_what_a_look_at_many_backends_costs(figures: Figures) -> None:
    with sharing(*[0] * 1000) as (one, two):
        for _ in range(1000):
            two.take()
        begin = module.monotonic()
        one.sharing.look()
        all_of_them = module.monotonic() - begin
        for number in range(0, 1000, 50):
            two.give_back(number)
        begin = module.monotonic()
        one.sharing.look()
        figures(
            f"a look at 1,000 backends of one other worker: {(module.monotonic() - begin) * 1e6:.0f} us if 20 moved, "
            f"{all_of_them * 1e3:.1f} ms if all did"
        )
        assert sum(backend.others for backend in one.pool.backends) == 980


@pytest.mark.slow
def test_how_old_a_view_of_the_others_is(figures: Figures) -> None:
    """Another process takes and gives back a slot each few ms; this one is busy with batches of some 100 us."""
    with sharing(0, 0) as (one, two):
        since = two.sharing.waiting_since  # nobody waits, and so it is free to say when the slot was moved
        ages: list[int] = []

        def take_or_give_back() -> None:
            sleep(0.002 + 0.003 * random())
            since[1] = monotonic_ns()
            two.sharing.taken[0] ^= 1

        def note(backend: LiveBackend, others: int) -> None:
            ages.append(monotonic_ns() - since[1])

        one.pool.see_others = note  # type: ignore[method-assign]
        with forked(take_or_give_back):
            while len(ages) < 200:
                one.reactor.call_soon(one.sharing.others_since, 1)
                one.reactor._run_batch()
                sum(range(5000))
        ages.sort()
        figures(f"what others have taken is seen after {ages[100] / 1e6:.1f} ms, p99 {ages[198] / 1e6:.1f} ms")

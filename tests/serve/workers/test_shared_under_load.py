"""Limits of two real workers, exact again after one was killed and after a reload, with clients all the time."""

from __future__ import annotations

import os
import signal
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import parse_address
from proxy.core.config import Backend
from proxy.core.metrics.totals import UNTOLD
from proxy.engine.scoreboard import FRONTEND
from tests.acceptance.busy import Busy, serving
from tests.acceptance.crowd import ask, dial
from tests.engine.support import backend, config, hello, until
from tests.processes import is_alive
from tests.serve.admin.support import with_admin
from tests.serve.workers.support import get, replaced, supervised, workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proxy.core.config import Config
    from proxy.serve.workers.supervised import Supervised
    from proxy.serve.workers.supervisor import Supervisor
    from tests.conftest import Figures

pytestmark = pytest.mark.slow

CLIENTS = 24


def limited(addresses: list[str], limits: tuple[int, ...]) -> Config:
    backends = [
        Backend(address=parse_address(address), max_connections=limit)
        for address, limit in zip(addresses, limits, strict=True)
    ]
    return workers(2, config(*backends, balance="least-connections"))


@asynccontextmanager
async def clients(running: Supervisor) -> AsyncIterator[list[str]]:
    """They ask on new connections until the end of the block, and bear it when they get no answer. Gives what they bore
    with; who waits for an answer at the end gets it."""
    address = str(running.listeners.addresses["web"][0])
    failures: list[str] = []
    is_over = trio.Event()

    async def one() -> None:
        while not is_over.is_set():
            try:
                async with await dial(address) as stream:
                    await ask(stream)
            except (OSError, trio.BrokenResourceError, AssertionError) as error:
                failures.append(repr(error))

    async with trio.open_nursery() as nursery:
        for _ in range(CLIENTS):
            nursery.start_soon(one)
        yield failures
        is_over.set()


async def most(backends: list[Busy]) -> list[int]:
    """What each has to do at once from now on, at most, while fifty requests are answered by each."""
    before = [each.answers for each in backends]
    for each in backends:
        each.most = 0
    await until(lambda: all(b.answers >= count + 50 for b, count in zip(backends, before, strict=True)))
    return [each.most for each in backends]


async def test_killed_workers_take_no_slot_with_them(figures: Figures) -> None:
    backends, limits = [Busy(0.005), Busy(0.005)], (2, 3)
    async with (
        serving(*backends) as addresses,
        supervised(limited(addresses, limits)) as running,
        clients(running) as failures,
    ):
        for worker in running.workers * 2:
            former = worker.pid
            assert former is not None
            os.kill(former, signal.SIGKILL)
            await replaced(worker, former)
        await until(lambda: not running.slots.unsettled)
        await most(backends)  # until what the last one left is over
        assert await most(backends) == list(limits)
    figures(f"limits {limits}, 4 workers killed: all slots are back; {len(failures)} requests were lost in them")


async def test_every_exchange_of_a_killed_worker_is_counted(figures: Figures) -> None:
    """Whether it has told of it or not: it does so twice a second."""
    count, untold = 0, 0
    async with backend(hello) as app, supervised(with_admin(workers(2, config(app.address)))) as running:
        totals, board = running.controller.totals, running.slots.board
        for worker in running.workers * 2:
            for _ in range(50):
                await get(running)
            count += 50
            await until(lambda: board.total(FRONTEND, "exchanges", 0) == count)  # noqa: B023
            former = worker.pid
            assert former is not None
            os.kill(former, signal.SIGKILL)
            await replaced(worker, former)
        await until(lambda: totals.frontend("web").reasons.total() >= count)
        web = totals.frontend("web")
        untold = web.reasons[UNTOLD]
        assert (web.accepted, web.reasons) == (count, {"ok": count - untold, **({UNTOLD: untold} if untold else {})})
        assert web.statuses == {"200": count - untold}
    figures(f"{count} requests, 4 workers killed: all are counted, {untold} of them without their status")


@pytest.mark.parametrize("kills", [0, 4])
async def test_whatever_reloads_do_no_slot_is_lost_and_no_request_fails(
    kills: int, figures: Figures, soaking: bool
) -> None:
    """Backends leave and return, with limits and without, while their last slots are in use; and workers die."""
    rng, reloads = Random(1), 200 if soaking else 16
    backends = [Busy(0.004) for _ in range(4)]
    async with serving(*backends) as addresses, supervised(limited(addresses, (1, 2, 3, 4))) as running:
        async with clients(running) as failures:
            for number in range(reloads):
                chosen = sorted(rng.sample(addresses, rng.randint(1, 4)))
                await running.controller.apply(limited(chosen, tuple(rng.choice((0, 1, 2, 5)) for _ in chosen)))
                if number < kills:
                    kill(rng.choice(running.workers))
                await trio.sleep(rng.choice((0.0, 0.01, 0.05)))
            await running.controller.apply(limited(addresses, (1, 2, 3, 4)))
            await until(lambda: not running.slots.unsettled)
            await most(backends)
            while (busiest := await most(backends)) != [1, 2, 3, 4]:  # some slots come back with the audit of a second
                assert all(had <= limit for had, limit in zip(busiest, (1, 2, 3, 4), strict=True))
        assert kills or not failures
        await until(lambda: sorted(running.slots.free().values()) == [1, 2, 3, 4])
        assert kills or all(worker.life().starts == 1 for worker in running.workers)
    figures(f"{reloads} reloads at random and {kills} kills of 2 workers, all with limits: no slot was lost, "
            f"{len(failures)} requests failed")  # fmt: skip


def kill(worker: Supervised) -> None:
    if worker.pid is not None and is_alive(worker.pid):
        os.kill(worker.pid, signal.SIGKILL)


async def test_limits_that_a_reload_changes_hold_in_all_workers() -> None:
    backends = [Busy(0.005), Busy(0.005), Busy(0.005)]
    async with serving(*backends) as addresses, supervised(limited(addresses[:2], (3, 1))) as running:
        async with clients(running) as failures:
            for limits in ((1, 4), (2, 2, 1)):
                count = len(limits)
                await running.controller.apply(limited(addresses[:count], limits))
                await until(lambda: not running.slots.unsettled)
                await most(backends[:count])
                assert await most(backends[:count]) == list(limits)
        assert not failures

"""What is said of workers, frontends and backends, whatever became of them meanwhile."""

# ruff: noqa: SIM117 - backends, a supervisor before them: nested as they are

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.config import Backend
from proxy.core.metrics.told import BackendTold, PoolTold, Told
from proxy.serve.control.controller import Controller
from tests.engine.support import NOBODY, backend, config, hello
from tests.serve.admin.support import with_admin
from tests.serve.workers.support import get, replaced, supervised, workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core.statistics import BackendStatistics, Statistics
    from proxy.serve.workers.supervisor import Supervisor


def one_backend(controller: Controller) -> BackendStatistics:
    return controller.statistics().pools[0].backends[0]


def test_what_nobody_has_told_yet_is_nothing() -> None:
    statistics = Controller(config(NOBODY)).statistics()
    (web,), (app,) = statistics.frontends, statistics.pools
    assert (web.exchanges, web.statuses, web.phases, web.active) == (0, {}, {}, 0)
    assert (app.waiting, app.backends[0].picked, app.backends[0].latency.p50) == (0, 0, None)


def test_a_backend_without_free_slots_is_full() -> None:
    controller = Controller(config(Backend(address=NOBODY, max_connections=2)))
    told = Told(pools={"app": PoolTold(backends={str(NOBODY): BackendTold(taken=1)})})
    controller.observed(told, 1)
    assert (one_backend(controller).state, one_backend(controller).taken) == ("ready", 1)
    controller.observed(told, 2)
    assert (one_backend(controller).state, one_backend(controller).reason) == ("full", "all 2 slots are taken")
    controller.set_mode(controller.pools["app"][str(NOBODY)], "draining")
    assert one_backend(controller).state == "draining"


def test_of_a_backend_that_is_configured_no_more_nothing_is_kept() -> None:
    controller = Controller(config(NOBODY))
    gone = {"127.0.0.1:2": BackendTold(picked=3), str(NOBODY): BackendTold(picked=4)}
    controller.observed(Told(pools={"app": PoolTold(backends=gone), "former": PoolTold()}))
    assert controller.totals.pools.keys() == {"app"}
    assert controller.totals.pools["app"].backends.keys() == {str(NOBODY)}


async def told(running: Supervisor, is_there: Callable[[Statistics], bool]) -> Statistics:
    while not is_there(running.controller.statistics()):  # noqa: ASYNC110 - workers tell twice a second
        await trio.sleep(0.05)
    return running.controller.statistics()


@pytest.mark.slow
async def test_what_workers_counted_outlives_them() -> None:
    async with backend(hello) as app:
        async with supervised(workers(2, with_admin(config(app.address)))) as running:
            for _ in range(20):
                await get(running)
            before = await told(running, lambda found: found.frontends[0].exchanges == 20)
            assert sum(worker.exchanges for worker in before.workers) == 20
            assert sum(worker.accepted for worker in before.workers) == 20
            assert [worker.state for worker in before.workers] == ["running", "running"]
            first = running.workers[0]
            former = first.pid
            assert former is not None
            os.kill(former, signal.SIGKILL)
            await replaced(first, former)
            for _ in range(20):
                await get(running)
            after = await told(running, lambda found: found.frontends[0].exchanges == 40)
            assert after.pools[0].backends[0].picked == 40
            assert after.workers[0].starts == before.workers[0].starts + 1
            assert after.workers[0].exchanges >= before.workers[0].exchanges

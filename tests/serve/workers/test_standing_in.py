"""Clients of a worker that is away are served by another one, and by itself when it is back."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import TcpAddress
from tests.engine.support import GET, backend, config, dial, hello, status, until
from tests.processes import free_port
from tests.serve.workers.support import get, kill, supervised, workers

if TYPE_CHECKING:
    from proxy.core.address import Address
    from proxy.serve.workers.supervisor import Supervisor
    from tests.conftest import Figures

pytestmark = pytest.mark.slow

PATIENT = {"worker_timeout": 60.0}
CLIENTS = 20  # that none of them goes to one of two workers happens once in a million times


async def served(address: Address) -> float:
    """Seconds until all clients were answered."""
    begin = trio.current_time()
    wires = [await dial(address) for _ in range(CLIENTS)]
    for wire in wires:
        await wire.send(GET)
    for wire in wires:
        assert status((await wire.response())[0]) == 200
        wire.close()
    return trio.current_time() - begin


async def back(running: Supervisor) -> None:
    """Who was away serves alone."""
    worker, other = running.workers
    kill(worker.pid, signal.SIGCONT)
    await until(lambda: worker.away() == 0.0)
    await until(lambda: not other.stands_in)
    kill(other.pid, signal.SIGSTOP)
    await served(running.listeners.addresses["web"][0])
    kill(other.pid, signal.SIGCONT)


async def test_a_stopped_worker_holds_up_nobody_for_long(figures: Figures) -> None:
    async with backend(hello) as app, supervised(workers(2, config(app.address), **PATIENT)) as running:
        address = running.listeners.addresses["web"][0]
        kill(running.workers[0].pid, signal.SIGSTOP)
        first, then = await served(address), await served(address)
        figures(f"a worker is stopped: its clients are answered by another one after {first:.2f} s, later ones at once")
        assert then < first
        await back(running)


async def test_one_that_keeps_dying_holds_up_nobody() -> None:
    """Its pauses become longer than a client would wait."""
    async with backend(hello) as app, supervised(workers(2, config(app.address))) as running:
        worker, other = running.workers
        running.spawning.module = "tests.serve.workers.nonsense_spawner"
        former = kill(running.spawning.pid)
        await until(lambda: running.spawning.pid not in (None, former))
        kill(worker.pid)
        await until(lambda: other.stands_in != [])
        for _ in range(CLIENTS):
            assert status(await get(running)) == 200


async def test_without_a_worker_nothing_moves() -> None:
    """So that systemd's watchdog may try a start from the beginning."""
    async with supervised(workers(2, config(TcpAddress("127.0.0.1", 1)))) as running:
        await running.moved()
        await make_them_useless(running)
        running.standing_in.served_at -= 100.0
        with trio.move_on_after(0.5) as patience:
            await running.moved()
        assert patience.cancelled_caught


async def make_them_useless(running: Supervisor) -> None:
    """All workers, and those that come after them."""
    running.spawning.module = "tests.serve.workers.nonsense_spawner"
    former = kill(running.spawning.pid)
    await until(lambda: running.spawning.pid not in (None, former))
    for worker in running.workers:
        kill(worker.pid)
    await until(lambda: all(worker.state != "running" for worker in running.workers))


async def test_the_queue_of_one_that_is_away_is_served_when_all_end() -> None:
    async with backend(hello) as app, supervised(workers(2, config(app.address), worker_timeout=1.5)) as running:
        worker = running.workers[0]
        kill(worker.pid, signal.SIGSTOP)
        wires = [await dial(running.listeners.addresses["web"][0]) for _ in range(CLIENTS)]
        for wire in wires:
            await wire.send(GET)
        await until(lambda: worker.away() > 0.0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(running.drain, 1.0)
            for wire in wires:
                assert status((await wire.response())[0]) == 200
                wire.close()


async def test_a_reload_while_one_is_away() -> None:
    """Whoever stands in takes over new listeners, too, and lets go of what is gone."""
    async with backend(hello) as app:
        settings = workers(2, config(app.address), **PATIENT)
        async with supervised(settings) as running:
            kill(running.workers[0].pid, signal.SIGSTOP)
            await served(running.listeners.addresses["web"][0])
            web = settings.frontends["web"]
            for port in (free_port(), free_port()):
                added = TcpAddress("127.0.0.1", port)
                changed = replace(web, listen=(*web.listen, added))
                await running.controller.apply(replace(settings, frontends={"web": changed}))
                await served(added)
            await back(running)
            await served(added)

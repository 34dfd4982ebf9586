# ruff: noqa: SIM117 - backends, a supervisor before them: nested as they are

"""Another configuration for workers that serve, and for those that come after them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config import AccessLog, Backend, LogFile
from proxy.serve.orders import ReopenFiles
from tests.engine.support import GET, Wire, backend, config, dial, hello, status, until
from tests.processes import free_port
from tests.serve.workers.support import get, kill, replaced, supervised, workers

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.core.address import Address
    from proxy.core.config import Config
    from proxy.serve.workers.supervisor import Supervisor

pytestmark = pytest.mark.slow


def with_listen(settings: Config, *listen: Address) -> Config:
    web = replace(settings.frontends["web"], listen=listen)
    return replace(settings, frontends={"web": web})


def with_backends(settings: Config, *backends: Backend) -> Config:
    return replace(settings, pools={"app": replace(settings.pools["app"], backends=backends)})


async def answers_at(address: Address) -> int:
    wire = await dial(address)
    try:
        await wire.send(GET)
        return status((await wire.response())[0])
    finally:
        wire.close()


async def gone(address: Address) -> None:
    """Workers were told, and do it in their time."""
    while True:
        try:
            (await dial(address)).close()
        except OSError:
            return


async def both_serve(running: Supervisor, address: Address) -> None:
    """Each alone."""
    for worker in running.workers:
        former = kill(worker.pid)
        for _ in range(4):
            assert await answers_at(address) == 200
        await replaced(worker, former)


async def test_a_new_listener_is_served_by_all_and_by_their_successors(tmp_path: Path) -> None:
    async with backend(hello) as app:
        settings = workers(2, config(app.address))
        async with supervised(settings) as running:
            added = (TcpAddress("127.0.0.1", free_port()), UnixAddress(str(tmp_path / "new")))
            await running.controller.apply(with_listen(settings, *settings.frontends["web"].listen, *added))
            for address in added:
                await both_serve(running, address)
            await running.controller.apply(settings)
            for address in added:
                await gone(address)
            assert status(await get(running)) == 200


async def test_a_new_backend_takes_over_while_clients_come_and_go() -> None:
    """No request fails, whichever worker it meets and however far that one is."""
    async with backend(hello) as one, backend(hello) as two:
        settings = workers(2, config(one.address))
        async with supervised(settings) as running:
            statuses: list[int] = []
            over = trio.Event()

            async def client() -> None:
                while not over.is_set():
                    statuses.append(status(await get(running)))

            async with trio.open_nursery() as nursery:
                for _ in range(4):
                    nursery.start_soon(client)
                for round_ in range(10):
                    there = Backend(address=two.address if round_ % 2 == 0 else one.address, weight=1 + round_)
                    await running.controller.apply(with_backends(settings, there))
                    seen = len(statuses)
                    await until(lambda seen=seen: len(statuses) > seen + 20)  # type: ignore[misc]
                over.set()
            assert set(statuses) == {200}
            assert one.connections > 0 < two.connections


async def test_kept_connections_go_on_over_a_reload() -> None:
    async with backend(hello) as one, backend(hello) as two:
        settings = workers(2, config(one.address))
        async with supervised(settings) as running:
            wires: list[Wire] = [await dial(running.listeners.addresses["web"][0]) for _ in range(8)]
            for _ in range(3):
                await answered_by_all(wires)
                for each in (two, one):
                    await running.controller.apply(with_backends(settings, Backend(address=each.address)))
                    await answered_by_all(wires)
            for wire in wires:
                wire.close()


async def answered_by_all(wires: list[Wire]) -> None:
    for wire in wires:
        await wire.send(GET)
        assert status((await wire.response())[0]) == 200


async def test_a_limit_that_changes_holds_for_all_workers() -> None:
    async with backend(hello) as app:
        settings = workers(2, config(app.address))
        async with supervised(settings) as running:
            for limit in (1, 3, 0, 2):
                limited = Backend(address=app.address, max_connections=limit)
                await running.controller.apply(with_backends(settings, limited))
                for _ in range(10):
                    assert status(await get(running)) == 200


async def test_all_workers_open_their_logs_anew(tmp_path: Path) -> None:
    """As logrotate has it: the file is moved, and then they are told."""
    path = tmp_path / "access.log"
    log = AccessLog(to=LogFile(str(path)))
    async with backend(hello) as app:
        async with supervised(workers(2, config(app.address, frontend={"access_log": log}))) as running:
            for _ in range(10):
                await get(running)
            await until(lambda: path.read_text().count("\n") == 10)
            old = path.rename(tmp_path / "access.log.1")
            running.send(ReopenFiles())
            await until(path.exists)
            for _ in range(20):
                await get(running)
            await until(lambda: (old.read_text() + path.read_text()).count("\n") == 30)
            assert path.read_text().count("\n") == 20

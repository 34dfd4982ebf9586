"""Backends that refuse, hang in connect, or whose queue is full: others answer, and those that wait are served."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import UnixAddress
from tests.engine.support import (
    GET,
    NOBODY,
    OK,
    Wire,
    ask,
    backend,
    client,
    config,
    hello,
    outcomes,
    proxy,
    unanswering,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Figures


async def test_refusing(figures: Figures) -> None:
    count = 200
    async with backend(hello) as app, proxy(config(NOBODY, app.address)) as server:
        start = time.monotonic()
        for _ in range(count):
            assert (await ask(server))[1] == b"ok"
        pool = server.pools["app"]
        figures(
            f"one of two backends refuses: {count} requests, 0 failed, {sum(pool.retried.values())} sent elsewhere,"
            f" {(time.monotonic() - start) / count * 1000:.2f} ms each; then it was left out"
        )
        assert outcomes(server) == {"ok": count}
        assert not pool.backends[0].is_healthy


@pytest.mark.slow
async def test_hanging_in_connect(figures: Figures) -> None:
    with unanswering() as address:
        async with backend(hello) as app:  # noqa: SIM117
            async with proxy(config(address, app.address, pool_timeouts={"connect": 0.2})) as server:
                times = []
                for _ in range(8):
                    start = time.monotonic()
                    assert (await ask(server))[1] == b"ok"
                    times.append(time.monotonic() - start)
                figures(
                    f"one of two backends hangs in connect (timeout 0.2 s): 8 requests, 0 failed,"
                    f" {sum(t > 0.1 for t in times)} of them had to wait, {max(times):.2f} s at most"
                )


class Slow:
    """A Unix socket with a short queue, from which one connection is accepted every few milliseconds."""

    BACKLOG = 16
    EVERY = 0.003

    def __init__(self, path: str) -> None:
        self.path = path
        self.accepted = 0

    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        sock = trio.socket.socket(trio.socket.AF_UNIX)
        await sock.bind(self.path)
        sock.listen(self.BACKLOG)
        task_status.started()
        async with trio.open_nursery() as nursery:
            with sock:
                while True:
                    connection, _ = await sock.accept()
                    self.accepted += 1
                    nursery.start_soon(self._answer, Wire(trio.SocketStream(connection)))
                    await trio.sleep(self.EVERY)

    async def _answer(self, wire: Wire) -> None:
        with wire.sock:
            await wire.request()
            await wire.send(OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"))


@pytest.mark.slow
async def test_full_backlog_under_load(tmp_path: Path, figures: Figures) -> None:
    count = 100
    slow = Slow(str(tmp_path / "app"))
    async with trio.open_nursery() as nursery:
        await nursery.start(slow.run)
        async with proxy(config(UnixAddress(slow.path))) as server:
            start = time.monotonic()
            async with trio.open_nursery() as clients:
                for _ in range(count):
                    clients.start_soon(one, server)
            picked = server.pools["app"].backends[0].picked
            figures(
                f"Unix socket with a queue of {slow.BACKLOG}: {count} clients at once, 0 failed,"
                f" {picked - count} connects refused and tried again, all served after {time.monotonic() - start:.2f} s"
            )
            assert outcomes(server) == {"ok": count}
            assert picked > count
        nursery.cancel_scope.cancel()


async def one(server: object) -> None:
    async with client(server) as wire:  # type: ignore[arg-type]
        await wire.send(GET)
        assert (await wire.response())[1] == b"ok"

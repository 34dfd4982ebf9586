"""A supervisor with real workers, in the process of the test."""

from __future__ import annotations

import os
import signal
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import trio

from proxy.serve.workers import supervisor
from tests.engine.support import config, dial, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from proxy.core.config import Config
    from proxy.serve.workers.supervised import Supervised
    from proxy.serve.workers.supervisor import Supervisor

DEADLINE = 20.0


def workers(number: int, settings: Config, **changes: Any) -> Config:
    return replace(settings, workers=number, **changes)


@asynccontextmanager
async def supervised(settings: Config) -> AsyncIterator[Supervisor]:
    """Serves until the block ends."""
    with trio.fail_after(DEADLINE):
        async with trio.open_nursery() as nursery:
            running: Supervisor = await nursery.start(supervisor.run, settings)
            yield running
            await running.drain(1.0)
            nursery.cancel_scope.cancel()


async def replaced(worker: Supervised, former: int | None) -> None:
    """Until another process than `former` serves in its place."""
    await until(lambda: worker.state == "running" and worker.pid not in (None, former))


def kill(pid: int | None, number: int = signal.SIGKILL) -> int:
    """Returns the pid."""
    assert pid is not None
    os.kill(pid, number)
    return pid


async def get(running: Supervisor) -> bytes:
    """One request on a connection of its own: the head of the answer."""
    wire = await dial(running.listeners.addresses["web"][0])
    try:
        await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        head, _ = await wire.response()
        return head
    finally:
        wire.close()


def pids(all_of_them: Iterable[Supervised]) -> list[int]:
    return [worker.pid for worker in all_of_them if worker.pid is not None]


__all__ = ["config", "get", "kill", "pids", "replaced", "supervised", "workers"]

"""Which worker had how much of a load, for any application: told by the process that owns the accepted sockets.

async with watching(deployment) as watch:
    result = await generate(spec)
shares = watch.shares(result)
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from proxy.lab.measure.cpu import cpu_seconds
from proxy.lab.measure.families import family, read_parents
from proxy.lab.measure.server_ends import ServerEnd, server_ends
from proxy.lab.measure.tallies import BusyTimes, Connections, ToldRequests, sums
from proxy.lab.results import WorkerShare
from proxy.serve.machine.processes import sockets_held_by

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from proxy.lab.deployment import Deployment
    from proxy.lab.results import LoadResult

INTERVAL = 0.5  # seconds between two looks, each of which takes about 10 ms
_KNOWN = 0.95  # of the clients' connections that were seen at workers: then these are the clients', not a proxy's
_MOST = 0.8  # of the requests, seen as segments: then they are a count of requests


@dataclass(frozen=True, slots=True)
class Look:
    """at: on `time.monotonic`. By worker, since watching began: work: requests, if the deployment tells them, else
    segments with data that came in, and where nobody counts these, connections accepted; busy: CPU seconds.
    connections: open now."""

    at: float
    connections: dict[int, int] = field(default_factory=dict)
    work: dict[int, int] = field(default_factory=dict)
    busy: dict[int, float] = field(default_factory=dict)


class Watch:
    """looks: all that were taken. What comes and goes between two of them is not seen, so that connections which live
    for one request are missed: only those that stay are all counted."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._connections, self._times, self._told = Connections(), BusyTimes(), ToldRequests()
        self.looks: list[Look] = []

    @property
    def counts_requests(self) -> bool:
        """Whether work is requests: nobody counts them on a Unix socket, unless the deployment itself does."""
        return self._told.requests is not None or self._connections.are_counted

    async def look(self) -> Look:
        """The first look tells what is not of this load. Raises OSError where the kernel cannot be asked."""
        is_first = not self.looks
        self._told.add(await _told_requests(self._deployment), is_first=is_first)
        parents = read_parents()
        ends = server_ends()  # last: between this and who holds them, those that live for some ms are lost
        look = Look(time.monotonic())
        for worker in self._deployment.workers():
            self._times.add(worker.number, worker.pid, cpu_seconds([worker.pid], parents), is_first=is_first)
            held = _held(family([worker.pid], parents), ends)
            look.connections[worker.number] = len(held)
            for end in held:
                self._connections.add(worker.number, end, is_first=is_first)
        told = self._told.requests
        look.work.update(self._connections.work() if told is None else told)
        look.busy.update(self._times.busy())
        self.looks.append(look)
        return look

    def shares(self, load: LoadResult) -> tuple[WorkerShare, ...]:
        """Of every worker that was there at any time, by number; pid: of the latest that had the number. Requests are
        counted by the deployment itself if it can, else by the client if it talks to workers, else by segments."""
        requests = self._told.requests or self._by_client(load) or self._by_segments(load)
        connections, busy = self._connections.number(), self._times.busy()
        return tuple(
            WorkerShare(
                number, pid, connections.get(number, 0),
                None if requests is None else requests.get(number, 0), busy[number],
            )
            for number, pid in sorted(self._times.pids().items())
        )  # fmt: skip

    def has_clients(self, load: LoadResult) -> bool:
        """Whether the connections of workers are those of the clients: not a proxy's, and none that is over with its
        answer."""
        workers = self._connections.by_peer()
        known = sum(connection.local in workers for connection in load.per_connection)
        return 0 < known >= _KNOWN * len(load.per_connection)

    def _by_client(self, load: LoadResult) -> dict[int, int] | None:
        if not self.has_clients(load):
            return None
        workers = self._connections.by_peer()
        return sums((workers[one.local], one.requests) for one in load.per_connection if one.local in workers)

    def _by_segments(self, load: LoadResult) -> dict[int, int] | None:
        """None where connections are over between two looks, and most of them were missed."""
        work = self._connections.work()
        is_whole = self.counts_requests and sum(work.values()) >= _MOST * load.completed
        return work if work and is_whole else None


@asynccontextmanager
async def watching(deployment: Deployment, interval: float = INTERVAL) -> AsyncIterator[Watch]:
    """Looks at the beginning, every `interval` seconds, and at the end."""
    watch = Watch(deployment)
    await watch.look()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_look_often, watch, interval)
        yield watch
        await watch.look()
        nursery.cancel_scope.cancel()


async def _look_often(watch: Watch, interval: float) -> None:
    while True:
        await trio.sleep(interval)
        await watch.look()


async def _told_requests(deployment: Deployment) -> dict[int, int] | None:
    """Some deployments know it better than the kernel: those with a proxy that keeps statistics. None for others, and
    where it has no time to tell."""
    ask: Callable[[], Awaitable[dict[int, int]]] | None = getattr(deployment, "requests_by_worker", None)
    try:
        return None if ask is None else await ask()
    except OSError:
        return None


def _held(pids: Sequence[int], ends: Mapping[int, ServerEnd]) -> list[ServerEnd]:
    """Each once, however many of these processes hold it."""
    return [ends[inode] for inode in sorted(set().union(*map(sockets_held_by, pids)) & ends.keys())]

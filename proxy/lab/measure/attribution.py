"""Which worker had how much of a load, for any application: told by the process that owns the accepted sockets.

async with watching(deployment) as watch:
    result = await generate(spec)
shares = watch.shares(result)
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import trio

from proxy.lab.measure.cpu import cpu_seconds
from proxy.lab.measure.families import family, read_parents
from proxy.lab.measure.server_ends import ServerEnd, server_ends
from proxy.lab.results import WorkerShare
from proxy.serve.machine.processes import sockets_held_by

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from proxy.lab.deployment import Deployment
    from proxy.lab.results import LoadResult

INTERVAL = 0.5  # seconds between two looks, each of which takes about 10 ms
_KNOWN = 0.95  # of the clients' connections that were seen at workers: then these are the clients', not a proxy's
_MOST = 0.8  # of the requests, seen as segments: then they are a count of requests


@dataclass(slots=True)
class _Seen:
    """One connection of a worker. first, last: segments that had come in at these looks; None if nobody counts."""

    worker: int
    first: int | None
    last: int | None


@dataclass(slots=True)
class _Process:
    """CPU time of a worker's process with its descendants, at the first and the last look."""

    worker: int
    first: float
    last: float


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
        self._sockets: dict[tuple[int, str], _Seen] = {}
        self._processes: dict[int, _Process] = {}
        self._told: dict[int, int] = {}
        self._requests: dict[int, int] | None = None
        self.looks: list[Look] = []

    @property
    def counts_requests(self) -> bool:
        """Whether work is requests: nobody counts them on a Unix socket, unless the deployment itself does."""
        return self._requests is not None or all(seen.last is not None for seen in self._sockets.values())

    async def look(self) -> Look:
        """The first look tells what is not of this load. Raises OSError where the kernel cannot be asked."""
        self._count(await _told_requests(self._deployment))
        parents = read_parents()
        ends = server_ends()  # last: between this and who holds them, those that live for some ms are lost
        look = Look(time.monotonic())
        for worker in self._deployment.workers():
            self._look_at_process(worker.number, worker.pid, parents)
            look.connections[worker.number] = 0
            for end in _held(family([worker.pid], parents), ends):
                self._look_at_socket(worker.number, end)
                look.connections[worker.number] += 1
        look.work.update(self._work() if self._requests is None else self._requests)
        look.busy.update(self._busy())
        self.looks.append(look)
        return look

    def _look_at_process(self, worker: int, pid: int, parents: Mapping[int, int]) -> None:
        used = cpu_seconds([pid], parents)
        before = used if not self.looks else 0.0  # one that was started later has used all of it here
        process = self._processes.setdefault(pid, _Process(worker, before, used))
        process.last = max(process.last, used)

    def _look_at_socket(self, worker: int, end: ServerEnd) -> None:
        before = end.segments if not self.looks or end.segments is None else 0
        seen = self._sockets.setdefault((end.inode, end.peer), _Seen(worker, before, end.segments))
        seen.last = end.segments

    def _work(self) -> dict[int, int]:
        return _sums(
            (seen.worker, 1 if seen.last is None else seen.last - (seen.first or 0)) for seen in self._sockets.values()
        )

    def _busy(self) -> dict[int, float]:
        return _sums((process.worker, process.last - process.first) for process in self._processes.values())

    def shares(self, load: LoadResult) -> tuple[WorkerShare, ...]:
        """Of every worker that was there at any time, by number; pid: of the latest that had the number. Requests are
        counted by the deployment itself if it can, else by the client if it talks to workers, else by segments."""
        requests = self._requests or self._by_client(load) or self._by_segments(load)
        connections, busy = _sums((seen.worker, 1) for seen in self._sockets.values()), self._busy()
        pids = {process.worker: pid for pid, process in self._processes.items()}
        return tuple(
            WorkerShare(
                number, pids[number], connections.get(number, 0),
                None if requests is None else requests.get(number, 0), busy[number],
            )
            for number in sorted(pids)
        )  # fmt: skip

    def _count(self, told: dict[int, int] | None) -> None:
        """What has come since the last look; a worker that is told no more keeps what it had, and one whose count is
        less than before was replaced by one that began at nothing."""
        if told is None:
            return
        requests = self._requests = self._requests or {}
        for number, count in told.items():
            before = self._told.get(number, 0) if self.looks else count
            requests[number] = requests.get(number, 0) + (count - before if count >= before else count)
        self._told = told

    def has_clients(self, load: LoadResult) -> bool:
        """Whether the connections of workers are those of the clients: not a proxy's, and none that is over with its
        answer."""
        workers = self._by_peer()
        known = sum(connection.local in workers for connection in load.per_connection)
        return 0 < known >= _KNOWN * len(load.per_connection)

    def _by_client(self, load: LoadResult) -> dict[int, int] | None:
        if not self.has_clients(load):
            return None
        workers = self._by_peer()
        return _sums(
            (workers[connection.local], connection.requests)
            for connection in load.per_connection
            if connection.local in workers
        )

    def _by_peer(self) -> dict[str, int]:
        return {peer: seen.worker for (_, peer), seen in self._sockets.items()}

    def _by_segments(self, load: LoadResult) -> dict[int, int] | None:
        """None where connections are over between two looks, and most of them were missed."""
        work = self._work()
        is_whole = self.counts_requests and sum(work.values()) >= _MOST * load.completed
        return work if self._sockets and is_whole else None


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


def _sums(pairs: Any) -> dict[int, Any]:
    sums: dict[int, Any] = {}
    for worker, amount in pairs:
        sums[worker] = sums.get(worker, 0) + amount
    return sums

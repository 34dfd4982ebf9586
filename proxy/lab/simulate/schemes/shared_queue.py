"""One queue that all workers take from: a shared listener, a queue server, one pattern of a tuple space."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from proxy.lab.simulate.idle import Idle
    from proxy.lab.simulate.work import Job, Start, Worker


class SharedQueue:
    """Whoever is idle takes the oldest; who that is when several are, `idle` says.

    is_accept: what is taken is a connection, and whatever comes on it later is for the worker that took it, idle or
    not. Of new connections and its own work a worker takes the older first, as an event loop does.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        rng: Random,
        start: Start,
        *,
        idle: Callable[[Random], Idle],
        is_accept: bool,
    ) -> None:
        self._start, self._is_accept = start, is_accept
        self._queue: deque[Job] = deque()
        self._idle = idle(rng)
        for worker in workers:
            self._idle.add(worker)

    def arrive(self, job: Job) -> None:
        if self._is_accept and job.connection and (owner := job.connection.worker):
            self._for_owner(owner, job)
        elif worker := self._idle.next():
            self._take(worker, job)
        else:
            self._queue.append(job)

    def finish(self, worker: Worker, job: Job) -> None:
        if worker.free == 1:
            self._idle.add(worker)
        own, shared = worker.queue, self._queue
        if own and not (shared and shared[0].arrived < own[0].arrived):
            self._begin(worker, own.popleft())
        elif shared:
            self._take(worker, shared.popleft())

    def _for_owner(self, owner: Worker, job: Job) -> None:
        if owner.free:
            self._begin(owner, job)
        else:
            owner.queue.append(job)

    def _take(self, worker: Worker, job: Job) -> None:
        if self._is_accept:
            worker.connections += 1
            if job.connection:
                job.connection.worker = worker
        self._begin(worker, job)

    def _begin(self, worker: Worker, job: Job) -> None:
        if worker.free == 1:
            self._idle.remove(worker)
        self._start(worker, job)

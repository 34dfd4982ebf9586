"""Which of the idle workers gets the next piece of work from a shared queue: the kernel's habits."""

from __future__ import annotations

from collections import OrderedDict
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from random import Random

    from proxy.lab.simulate.work import Worker


class Idle(Protocol):
    """Workers that can begin something. Each is in it once; nothing is slower than O(log n)."""

    def add(self, worker: Worker) -> None:
        """It is not in it."""

    def remove(self, worker: Worker) -> None:
        """It is in it."""

    def next(self) -> Worker | None:
        """Whose turn it is, who stays in it and is now given something; None if nobody is idle."""


class LongestIdle:
    """First come, first served: workers blocked in accept (each waits exclusively, in order), and in the reserve of a
    queue server. One with more free slots goes to the end after each, as its threads wait one behind the other."""

    def __init__(self, rng: Random) -> None:
        self._workers: OrderedDict[Worker, None] = OrderedDict()

    def add(self, worker: Worker) -> None:
        self._workers[worker] = None

    def remove(self, worker: Worker) -> None:
        del self._workers[worker]

    def next(self) -> Worker | None:
        worker = next(iter(self._workers), None)
        if worker:
            self._workers.move_to_end(worker)
        return worker


class AnyIdle:
    """All are woken and race for it: a shared listener in the epoll of each worker."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._workers: list[Worker] = []

    def add(self, worker: Worker) -> None:
        worker.turn = len(self._workers)
        self._workers.append(worker)

    def remove(self, worker: Worker) -> None:
        """The last one fills the gap."""
        last = self._workers.pop()
        if last is not worker:
            self._workers[worker.turn] = last
            last.turn = worker.turn

    def next(self) -> Worker | None:
        workers = self._workers
        return workers[int(self._rng.random() * len(workers))] if workers else None


class FirstIdle:
    """The first that registered, of those that are idle: EPOLLEXCLUSIVE wakes one, from the head of its list."""

    def __init__(self, rng: Random) -> None:
        self._heap: list[tuple[int, Worker]] = []  # with stale entries, dropped when they come to the top
        self._idle: set[Worker] = set()
        self._listed: set[Worker] = set()

    def add(self, worker: Worker) -> None:
        self._idle.add(worker)
        if worker not in self._listed:
            self._listed.add(worker)
            heappush(self._heap, (worker.number, worker))

    def remove(self, worker: Worker) -> None:
        self._idle.remove(worker)

    def next(self) -> Worker | None:
        while self._heap:
            worker = self._heap[0][1]
            if worker in self._idle:
                return worker
            heappop(self._heap)
            self._listed.remove(worker)
        return None

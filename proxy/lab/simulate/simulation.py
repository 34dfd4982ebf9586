"""The simulation itself: arrivals and ends in the order of their time, and what each request met."""

from __future__ import annotations

from array import array
from collections import deque
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import TYPE_CHECKING

from proxy.lab.simulate.work import Connection, Job, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from proxy.lab.simulate.spec import SimulationSpec
    from proxy.lab.simulate.work import Scheme, Start

    Make = Callable[[Sequence[Worker], Random, Start], Scheme]
    Event = tuple[float, int, Worker, Job, bool]  # when, serial, whose, of what, whether it is the job's end


class Simulation:
    """reserve: seconds between a job's end and when its worker can begin another.

    latencies, waits: of each recorded request, by its number less the warm-up; in seconds. now: the last moment.
    A heap of ends beside the stream of arrivals: O(log n) a request, n the busy slots. On one core a million requests
    over 1,000 workers take 4 s with
    a shared queue, 5 with least connections, 7 with two choices.
    """

    def __init__(self, spec: SimulationSpec, make: Make, *, reserve: float = 0.0) -> None:
        self._spec, self._reserve = spec, reserve
        self.workers = [Worker(number, spec.slots) for number in range(spec.workers)]
        self._free = deque(Connection() for _ in range(spec.connections))
        self._unsent: deque[Job] = deque()  # no connection is free
        self._ends: list[Event] = []
        self._serial = count()
        self.now = 0.0
        self._first = int(spec.requests * spec.warm_up)
        self.latencies = array("d", bytes(8 * (spec.requests - self._first)))
        self.waits = array("d", self.latencies)
        self._scheme = make(self.workers, Random(f"scheme {spec.seed}"), self._start)

    def run(self) -> None:
        """To the end of the last request."""
        ends, services = self._ends, self._spec.services()
        for number, (at, service) in enumerate(zip(self._spec.moments(), services, strict=False)):
            while ends and ends[0][0] <= at:
                self._end(heappop(ends))
            self.now = at
            self._arrive(Job(number, at, service))
        while ends:
            self._end(heappop(ends))

    def _arrive(self, job: Job) -> None:
        if self._spec.connections:
            if not self._free:
                self._unsent.append(job)
                return
            job.connection = self._free.popleft()
        self._scheme.arrive(job)

    def _start(self, worker: Worker, job: Job) -> None:
        worker.free -= 1
        index = job.number - self._first
        if index >= 0:
            now = self.now
            self.waits[index] = now - job.arrived
            worker.jobs += 1
            worker.busy += job.service
        heappush(self._ends, (self.now + job.service, next(self._serial), worker, job, True))

    def _end(self, event: Event) -> None:
        self.now, _, worker, job, is_end = event
        if is_end:
            index = job.number - self._first
            if index >= 0:
                self.latencies[index] = self.now - job.arrived
            if self._reserve:
                heappush(self._ends, (self.now + self._reserve, next(self._serial), worker, job, False))
        if not is_end or not self._reserve:
            worker.free += 1
            self._scheme.finish(worker, job)
        if is_end and job.connection:
            self._release(job.connection)

    def _release(self, connection: Connection) -> None:
        """The one free for longest is used next, as the lab's generator does."""
        if self._unsent:
            job = self._unsent.popleft()
            job.connection = connection
            self._scheme.arrive(job)
        else:
            self._free.append(connection)

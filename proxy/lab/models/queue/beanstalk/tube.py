"""A job, and a tube: jobs of one name by what is to become of them next."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.lab.models.queue.beanstalk.client import Client


class State(Enum):
    READY = "ready"
    DELAYED = "delayed"
    RESERVED = "reserved"
    BURIED = "buried"
    DELETED = "deleted"


@dataclass(slots=True, eq=False)
class Job:
    """priority: 0 is the most urgent. ttr: seconds for which it may be held. due: when a delay or a hold ends."""

    number: int
    tube: Tube
    body: bytes
    priority: int
    ttr: float
    created: float
    state: State = State.READY
    delay: float = 0.0
    due: float = 0.0
    holder: Client | None = None
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("reserves", "timeouts", "releases", "buries", "kicks"), 0)
    )


class Heap:
    """Jobs of one state by a rank. Those whose state has changed stay until they come to the top: leaving is free."""

    def __init__(self, state: State, rank: Callable[[Job], float]) -> None:
        self._state, self._rank = state, rank
        self._entries: list[tuple[float, int, Job]] = []

    def push(self, job: Job) -> None:
        heapq.heappush(self._entries, (self._rank(job), job.number, job))

    def top(self) -> Job | None:
        """The least; of equals the oldest."""
        while self._entries:
            rank, _, job = self._entries[0]
            if job.state is self._state and rank == self._rank(job):
                return job
            heapq.heappop(self._entries)
        return None


class Tube:
    """waiting: who waits for a job of it, in order. users, watchers: connections that put into it, that take from it.
    jobs: all of them. paused_until: nobody gets one before."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready = Heap(State.READY, lambda job: job.priority)
        self.delayed = Heap(State.DELAYED, lambda job: job.due)
        self.buried: dict[Job, None] = {}
        self.waiting: dict[Client, None] = {}
        self.jobs: dict[int, Job] = {}
        self.users = self.watchers = 0
        self.pause = self.paused_until = 0.0
        self.counts = dict.fromkeys(("total", "delete", "pause"), 0)

    def first_buried(self) -> Job | None:
        return next(iter(self.buried), None)

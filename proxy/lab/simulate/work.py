"""What moves in a simulation: jobs, the connections they come on, and the workers that do them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core.pool import Backend

    Start = Callable[["Worker", "Job"], None]


class Connection:
    """One that is kept alive. worker: whose it is; None before it was accepted, and wherever that does not bind it."""

    __slots__ = ("worker",)

    def __init__(self) -> None:
        self.worker: Worker | None = None


class Job:
    """A request. arrived: when it came; service: seconds that a worker needs for it. connection: None for one of its
    own. backend, proxy: where a proxy counts its slot."""

    __slots__ = ("arrived", "backend", "connection", "number", "proxy", "service")

    def __init__(self, number: int, arrived: float, service: float) -> None:
        self.number = number
        self.arrived = arrived
        self.service = service
        self.connection: Connection | None = None
        self.backend: Backend | None = None
        self.proxy = 0


class Worker:
    """free: how many more jobs it can begin. queue: jobs that are its own and wait. jobs, busy, connections: what it
    had so far, busy in seconds of service. turn: where it stands among the idle, for `idle`."""

    __slots__ = ("busy", "connections", "free", "jobs", "number", "queue", "turn")

    def __init__(self, number: int, slots: int) -> None:
        self.number = number
        self.free = slots
        self.queue: deque[Job] = deque()
        self.jobs = self.connections = 0
        self.busy = 0.0
        self.turn = 0

    def take_in(self, job: Job, start: Start) -> None:
        """A job that is its own, whenever it comes to it."""
        if self.free:
            start(self, job)
        else:
            self.queue.append(job)

    def go_on(self, start: Start) -> None:
        """With the job of its own that has waited longest, if one does."""
        if self.queue:
            start(self, self.queue.popleft())


class Scheme(Protocol):
    """Brings jobs to workers. It calls the `start` that it was made with for a worker with `free` over 0, which takes
    one of them."""

    def arrive(self, job: Job) -> None:
        """Starts it, or has it wait."""

    def finish(self, worker: Worker, job: Job) -> None:
        """The job is done and the worker has that slot free again: may start what waits."""

"""rproxy in front: its own pool and policies decide, for each request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress
from proxy.core.pool import UNLIMITED, Backend, Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from proxy.lab.simulate.work import Job, Start, Worker


class Seat(Backend):
    """A worker as one proxy sees it: that proxy's own count of its slots."""

    __slots__ = ("worker",)

    def __init__(self, worker: Worker, limit: int) -> None:
        super().__init__(TcpAddress("worker", worker.number), limit=limit)
        self.worker = worker


class Proxied:
    """`core.pool.Pool` as it serves: the same objects, so what is simulated is what runs.

    proxies: so many in front, each with counts of its own, each request through any of them. limit: slots of a backend
    at each of them, `max_connections`; work beyond it waits in the pool. 0 for none: then it waits at the worker.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        rng: Random,
        start: Start,
        *,
        balance: str,
        limit: int = 0,
        proxies: int = 1,
    ) -> None:
        self._start, self._rng = start, rng
        self._later: list[tuple[Callable[[Seat], None], Seat]] = []
        self._pools = [
            Pool(
                "simulated",
                balance,
                [Seat(worker, limit or UNLIMITED) for worker in workers],
                rng,
                queue=UNLIMITED,
                run_later=lambda call, seat: self._later.append((call, seat)),
            )
            for _ in range(proxies)
        ]

    def arrive(self, job: Job) -> None:
        if len(self._pools) > 1:
            job.proxy = int(self._rng.random() * len(self._pools))
        pool = self._pools[job.proxy]
        seat = pool.take()
        if seat is None:
            pool.wait(_Waiting(self, job))
        else:
            self.assign(job, seat)

    def assign(self, job: Job, seat: Seat) -> None:
        job.backend = seat
        seat.worker.take_in(job, self._start)

    def finish(self, worker: Worker, job: Job) -> None:
        worker.go_on(self._start)
        self._pools[job.proxy].give_back(job.backend)  # type: ignore[arg-type] # only seats were assigned
        while self._later:
            call, seat = self._later.pop()
            call(seat)


class _Waiting:
    """A job in the queue of a pool."""

    __slots__ = ("_job", "_scheme")

    def __init__(self, scheme: Proxied, job: Job) -> None:
        self._scheme, self._job = scheme, job

    def slot_freed(self, seat: Seat, /) -> None:
        self._scheme.assign(self._job, seat)

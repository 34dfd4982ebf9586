"""SO_REUSEPORT: the kernel hashes each connection to the queue of one worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from proxy.lab.simulate.work import Job, Start, Worker


class Reuseport:
    """One connection, one worker, chosen without a look at how busy it is; its jobs wait there for ever.

    The hash of addresses and ports is as good as a uniform draw: shares measured over four processes have the spread
    of a binomial distribution. Source: reuseport_select_sock, net/core/sock_reuseport.c.
    """

    def __init__(self, workers: Sequence[Worker], rng: Random, start: Start) -> None:
        self._workers, self._rng, self._start = workers, rng, start

    def arrive(self, job: Job) -> None:
        connection = job.connection
        worker = connection.worker if connection else None
        if worker is None:
            worker = self._workers[int(self._rng.random() * len(self._workers))]
            worker.connections += 1
            if connection:
                connection.worker = worker
        worker.take_in(job, self._start)

    def finish(self, worker: Worker, job: Job) -> None:
        worker.go_on(self._start)

"""A tuple space: each worker takes the tuples that match its pattern, and leaves the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.simulate.idle import LongestIdle
from proxy.lab.simulate.schemes.shared_queue import SharedQueue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from proxy.lab.simulate.work import Job, Start, Worker


class TupleSpace:
    """Jobs are of `patterns` kinds, all equally frequent; worker i takes kind i mod patterns and nothing else.

    With one pattern it is a pull queue; with more, a worker stays idle while work of another kind waits.
    """

    def __init__(self, workers: Sequence[Worker], rng: Random, start: Start, *, patterns: int) -> None:
        self._rng = rng
        self._kinds = [
            SharedQueue(workers[kind::patterns], rng, start, idle=LongestIdle, is_accept=False)
            for kind in range(patterns)
        ]

    def arrive(self, job: Job) -> None:
        self._kinds[int(self._rng.random() * len(self._kinds))].arrive(job)

    def finish(self, worker: Worker, job: Job) -> None:
        self._kinds[worker.number % len(self._kinds)].finish(worker, job)

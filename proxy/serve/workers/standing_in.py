"""While a worker is away, hung or between two starts, another one accepts from its listening sockets as well.

The kernel goes on giving it its share of all connections: with two workers every other client would wait until it is
back, which for a hung one is `worker_timeout` at least.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from proxy.core.workers.stand_ins import stand_ins
from proxy.serve.workers.supervised import HUNG_AFTER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.serve.listeners import Listeners
    from proxy.serve.workers.supervised import Supervised

LOOK = 0.25  # seconds between two looks


class StandingIn:
    """served_at: when a worker was there last, by Trio's clock."""

    def __init__(self, workers: Sequence[Supervised], listeners: Listeners) -> None:
        self.served_at = trio.current_time()
        self._workers = workers
        self._listeners = listeners

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.look()
            await trio.sleep(LOOK)

    def look(self) -> None:
        """Tells those who are there for whom they stand in now."""
        away = [worker.number for worker in self._workers if worker.away() > HUNG_AFTER]
        there = [worker.number for worker in self._workers if worker.state == "running" and worker.number not in away]
        if there:
            self.served_at = trio.current_time()
        duties = stand_ins(there, away)
        for worker in self._workers:
            self._tell(worker, duties.get(worker.number, ()))

    def last_look(self) -> None:
        """Before all end, and with them the queues of those who do not serve them: they are everybody's."""
        away = [worker.number for worker in self._workers if worker.away() > 0.0]
        for worker in self._workers:
            self._tell(worker, [number for number in away if number != worker.number])

    def _tell(self, worker: Supervised, numbers: Sequence[int]) -> None:
        count = len(self._workers)
        worker.stand_in([bound for number in numbers for bound in self._listeners.share(number, count)])

"""What a data plane tells of itself twice a second, made from its records and its counters."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import trio

from proxy.core.metrics.told import BackendTold, FrontendTold, PoolTold, Told
from proxy.engine.measured import MeasuredRecords

if TYPE_CHECKING:
    from proxy.engine.backend import LiveBackend
    from proxy.engine.frontend import Frontend, LivePool
    from proxy.serve.server import Server

TELL_EVERY = 0.5  # seconds; of a worker that dies so much is lost of its counts, and 0.2 % of a core is spent on 20 KB


class Teller:
    """Remembers what it told of counters that only grow, and tells what has been added."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._told: Counter[object] = Counter()  # by whose counter it is and which

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await trio.sleep(TELL_EVERY)
            self._server.report(self.take())

    def take(self) -> Told:
        server = self._server
        told, self._told = self._told, Counter()
        self._before = told
        return Told(
            frontends={name: self._frontend(name, frontend) for name, frontend in server.frontends.items()},
            pools={name: self._pool(name, pool) for name, pool in server.pools.items()},
            crashes=self._added("crashes", server.reactor.crashes),
        )

    def _frontend(self, name: str, frontend: Frontend) -> FrontendTold:
        accepted = self._added(("accepted", name), frontend.accepted)
        if frontend.tally is None:
            return FrontendTold(active=frontend.active, accepted=accepted)
        if isinstance(frontend.records, MeasuredRecords):
            frontend.records.count()
        return frontend.tally.take(active=frontend.active, accepted=accepted)

    def _pool(self, name: str, pool: LivePool) -> PoolTold:
        return PoolTold(
            waiting=pool.waiting,
            retried=self._added_to(("retried", name), pool.retried),
            backends={backend.name: self._backend(name, backend) for backend in pool.backends},
        )

    def _backend(self, pool: str, backend: LiveBackend) -> BackendTold:
        return BackendTold(
            taken=backend.taken - backend.others,
            idle=len(backend.idle),
            picked=self._added(("picked", pool, backend.name), backend.picked),
            failures=self._added_to(("failures", pool, backend.name), backend.failures),
        )

    def _added_to(self, key: tuple[str, ...], counts: Counter[str]) -> dict[str, int]:
        """Of those that grew. Most are empty."""
        return {what: added for what, count in counts.items() if (added := self._added((*key, what), count))}

    def _added(self, key: object, count: int) -> int:
        """A counter that is smaller than before is a new one: the backend was removed and has come back."""
        self._told[key] = count
        before = self._before[key]
        return count - before if count >= before else count

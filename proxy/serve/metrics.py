"""What a data plane tells of itself twice a second, made from its records and its counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from proxy.core.metrics.told import BackendTold, FrontendTold, PoolTold, Told

if TYPE_CHECKING:
    from collections import Counter

    from proxy.engine.backend import LiveBackend
    from proxy.engine.frontend import Frontend
    from proxy.engine.live_pool import LivePool
    from proxy.serve.server import Server

TELL_EVERY = 0.5  # seconds; of a worker that dies nobody knows how so much of its work ended


class Teller:
    """Remembers what it told of counters that only grow, and tells what has been added."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._told: dict[tuple[str, object], int] = {}  # by which counter it is and whose
        self._before = self._told

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await trio.sleep(TELL_EVERY)
            self._server.report(self.take())

    def take(self) -> Told:
        server = self._server
        self._before, self._told = self._told, {}
        return Told(
            frontends={name: self._frontend(frontend) for name, frontend in server.frontends.items()},
            pools={name: self._pool(pool) for name, pool in server.pools.items()},
            crashes=self._added("crashes", server.reactor, server.reactor.crashes),
        )

    def _frontend(self, frontend: Frontend) -> FrontendTold:
        """With its predecessors, whose sessions could not go on after a reload: it counts on from where they stand, and
        they have their tally in common."""
        name = frontend.config.name
        accepted = self._added("accepted", name, frontend.accepted)
        former = (each for each in self._server.departing.frontends if each.config.name == name)
        active = 0
        for each in (frontend, *former):
            active += each.active
            if each.records is not None:
                each.records.flush()
        if frontend.tally is None:
            return FrontendTold(active=active, accepted=accepted)
        return frontend.tally.take(active=active, accepted=accepted)

    def _pool(self, pool: LivePool) -> PoolTold:
        return PoolTold(
            waiting=pool.waiting,
            retried=self._added_to(pool, pool.retried),
            backends={backend.name: told for backend in pool.backends if (told := self._backend(backend)) is not None},
        )

    def _backend(self, backend: LiveBackend) -> BackendTold | None:
        """None where there is nothing and nothing has been: most of a thousand are at rest."""
        taken, idle = backend.taken - backend.others, len(backend.idle)
        picked = self._added("picked", backend, backend.picked)
        failures = self._added_to(backend, backend.failures)
        return BackendTold(taken, idle, picked, failures) if taken or idle or picked or failures else None

    def _added_to(self, whose: object, counts: Counter[str]) -> dict[str, int]:
        """Of those that grew. Most are empty."""
        return {what: added for what, count in counts.items() if (added := self._added(what, whose, count))}

    def _added(self, what: str, whose: object, count: int) -> int:
        self._told[what, whose] = count
        return count - self._before.get((what, whose), 0)

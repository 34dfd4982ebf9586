"""What a reload or the operator has taken away while clients still use it: looked at until it can go."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from proxy.serve.orders import Emptied

if TYPE_CHECKING:
    from proxy.engine.backend import LiveBackend
    from proxy.engine.frontend import Frontend
    from proxy.engine.live_pool import LivePool
    from proxy.serve.server import Server

AGE = 1.0  # seconds that a pool stays at least: a request on its way to it has taken no slot yet


class Departing:
    """frontends, pools: that the configuration does not name any more, each with the time when that was. Sessions of
    such a frontend go on by their old rules, with these pools, until their next answer, which closes them."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.frontends: dict[Frontend, float] = {}
        self.pools: dict[LivePool, float] = {}

    def look(self, now: float) -> None:
        """Ten times a second, and without cost where nothing departs."""
        for pool in (*self._server.pools.values(), *self.pools):
            for backend, since in list(pool.drains.items()):
                self._look_at(pool, backend, now - since)
        for frontend, since in list(self.frontends.items()):
            if not frontend.active:
                del self.frontends[frontend]
                self._server.close_log(frontend)
                frontend.room = None  # type: ignore[assignment] # a circle would be left to the garbage collection
            elif now - since > self._server.config.shutdown.drain:
                self._end_idle(frontend)
                self.frontends[frontend] = math.inf  # once
        if not self.frontends:
            for pool, since in list(self.pools.items()):
                self._let_go(pool, now - since)

    def _look_at(self, pool: LivePool, backend: LiveBackend, age: float) -> None:
        """A backend that drains."""
        if backend.taken == backend.others:
            del pool.drains[backend]
            pool.leaving.pop(backend, None)
            self._server.report(Emptied(pool.name, backend.name))
        elif age > pool.timeouts.drain:
            self._cut_relays(backend)

    def _let_go(self, pool: LivePool, age: float) -> None:
        if age > AGE and not pool.waiting and all(b.taken == b.others for b in pool.backends):
            del self.pools[pool]
            for backend in pool.backends:
                backend.expire(math.inf)
                self._server.report(Emptied(pool.name, backend.name))
            pool.close()
        elif age > pool.timeouts.drain:
            for backend in pool.backends:
                self._cut_relays(backend)

    def _cut_relays(self, backend: LiveBackend) -> None:
        """Tunnels and TCP sessions have had their time; requests are always waited for."""
        for timed in self._server.wheel.members():
            if getattr(timed, "relays_to", None) is backend:
                timed.cut()  # type: ignore[attr-defined] # TcpSession and Tunnel

    def _end_idle(self, frontend: Frontend) -> None:
        for timed in self._server.wheel.members():
            if getattr(timed, "frontend", None) is frontend and hasattr(timed, "drain"):
                timed.drain()

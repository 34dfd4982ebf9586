"""A data plane takes another configuration in use: first everything that can fail, then everything at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from proxy.core.reload.listening import compare
from proxy.core.reload.plan import diff
from proxy.core.timeouts import shortest_timeout
from proxy.engine.change_pool import change_pool
from proxy.engine.frontend import keeps_sessions
from proxy.engine.make_backends import make_backends
from proxy.serve.listeners import Bound
from proxy.serve.logs.access_log import LogError
from proxy.serve.tls.certificate_watch import WatchedCertificates

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Sequence

    from proxy.engine.backend import LiveBackend
    from proxy.engine.frontend import Frontend
    from proxy.serve.logs.access_log import LogWriter
    from proxy.serve.orders import Reconfigure
    from proxy.serve.server import Server


class _Made(NamedTuple):
    frontend: Frontend
    log: LogWriter | None


class Reconfiguration:
    """Once made it has read and opened all that is new; `commit` takes it in use without a pause for anybody.

    What the plan does not name is not touched. Exchanges, tunnels and TCP sessions end by the rules under which they
    began; HTTP sessions go on by the new ones with their next request. Where a frontend is gone, or its sessions cannot
    go on (`keeps_sessions`), their next answer closes the connection.
    """

    def __init__(self, server: Server, order: Reconfigure, sockets: Sequence[socket.socket]) -> None:
        """Raises LogError, TlsFileError and CertificateError: nothing has changed then. sockets: of order.opened."""
        self._server = server
        self._order = order
        self._old = server.config
        self._plan = diff(server.config, order.config)
        self._opened = [Bound(*place, sock) for place, sock in zip(order.opened, sockets, strict=True)]
        self._fresh = self._make_backends()
        self._certificates = self._read_certificates()
        self._pools = {
            name: server.pools.get(name) or server.make_pool(settings, self._fresh[name])
            for name, settings in self._plan.config.pools.items()
        }
        self._made: dict[str, _Made] = {}
        try:
            self._make_frontends()
        except LogError:
            for made in self._made.values():
                if made.log is not None:
                    made.log.discard()
            raise

    # ------------------------------------------------------------------ what can fail

    def _make_backends(self) -> dict[str, list[LiveBackend]]:
        """Of new pools, and of those that change; what these have already is kept, and its twin here thrown away."""
        found = {name: make_backends(settings) for name, settings in self._plan.pools.added.items()}
        for name in self._plan.pools.changed:
            settings, backends = self._plan.config.pools[name], self._server.pools[name].backends
            tls = backends[0].tls if backends and settings.tls == self._old.pools[name].tls else None
            found[name] = make_backends(settings, tls.context if tls is not None else None)
        states = {(state.pool, state.backend): state for state in self._order.states}
        for name, backends in found.items():
            for backend in backends:
                if (state := states.get((name, backend.name))) is not None:
                    backend.is_healthy = state.is_healthy  # before work that waits gets to it
        return found

    def _read_certificates(self) -> dict[str, WatchedCertificates]:
        """Those in use stay where neither the settings nor what ALPN offers changed."""
        found = {}
        for name, settings in self._plan.config.frontends.items():
            if settings.tls is None:
                continue
            before = self._old.frontends.get(name)
            is_same = before is not None and (before.tls, before.mode) == (settings.tls, settings.mode)
            found[name] = self._server.certificates.watched[name] if is_same else WatchedCertificates(settings)
        return found

    def _make_frontends(self) -> None:
        """New ones, and successors of those whose sessions cannot go on."""
        for name, settings in self._plan.config.frontends.items():
            before = self._server.frontends.get(name)
            if before is not None and keeps_sessions(before.config, settings):
                continue
            tally = before.tally if before is not None and before.config.mode == settings.mode else None
            frontend = self._server.make_frontend(settings, self._pools, self._tls_of(name), tally)
            self._made[name] = _Made(frontend, None)
            self._made[name] = _Made(frontend, self._server.open_log(frontend))

    def _tls_of(self, name: str) -> ssl.SSLContext | None:
        watched = self._certificates.get(name)
        return watched.current.context if watched is not None else None

    # ------------------------------------------------------------------ what cannot

    def commit(self) -> None:
        """Outside of a batch of the reactor."""
        server, config = self._server, self._plan.config
        now = server.reactor.read_clock()
        self._change_pools(now)
        server.certificates.watched = self._certificates
        told = self._change_frontends(now)
        server.config = config
        server.wheel.set_horizon(shortest_timeout(config))
        for timed in server.wheel.members():
            tell = getattr(timed, "configured", None)
            if tell is not None and timed.frontend in told:  # type: ignore[attr-defined] # an HttpSession
                tell()
        server.attach(server.listeners.take(compare(self._old, config), self._opened))
        server.set_backends(self._order.states)

    def _change_pools(self, now: float) -> None:
        server, plan = self._server, self._plan
        for name in plan.pools.changed:
            change_pool(server.pools[name], plan.config.pools[name], self._fresh[name], now)
        for name in plan.pools.removed:
            server.departing.pools[server.pools.pop(name)] = now
        for name in plan.pools.added:
            server.pools[name] = self._pools[name]

    def _change_frontends(self, now: float) -> set[Frontend]:
        """Those whose sessions are to be told."""
        server, plan = self._server, self._plan
        for name in plan.frontends.removed:
            self._let_leave(server.frontends.pop(name), now)
        for name, made in self._made.items():
            before = server.frontends.get(name)
            if before is not None:
                made.frontend.succeed(before)
                self._let_leave(before, now)
            server.frontends[name] = made.frontend
            if made.log is not None:
                server.start_log(made.log)
        changed = {name for name in plan.config.frontends if name in plan.frontends.changed or self._knows_heads(name)}
        for name in changed | self._made.keys():  # made ones again: their pools have changed since
            server.frontends[name].configure(plan.config.frontends[name], server.pools, self._tls_of(name))
        return {server.frontends[name] for name in changed}

    def _let_leave(self, frontend: Frontend, now: float) -> None:
        frontend.is_draining = True
        self._server.departing.frontends[frontend] = now

    def _knows_heads(self, name: str) -> bool:
        """Its routes know heads of answers by their bytes, and whether these are to be retried."""
        changes = self._plan.pools.changed
        pools = self._plan.config.frontends[name].pool_names
        return any(pool in changes and changes[pool].touches("retry_on") for pool in pools)

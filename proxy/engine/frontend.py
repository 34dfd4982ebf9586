"""What the sessions of one frontend share: routes, pools, limits, caches, counts; and the one place that records."""

from __future__ import annotations

import logging
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from proxy.core.client.counts import ClientCounts
from proxy.core.client.networks import Access, Networks
from proxy.core.errors import NoRoom, NoRoute, ProxyError
from proxy.core.line_budget import LineBudget
from proxy.core.route import Router
from proxy.engine.access_log import RecordBuffer
from proxy.engine.arrival.admission import admit
from proxy.engine.arrival.client_limit import count_client
from proxy.engine.arrival.proxy_header import HeaderStage
from proxy.engine.arrival.room import Room
from proxy.engine.arrival.sni import HelloPeek
from proxy.engine.http.live_route import LiveRoute
from proxy.engine.http.logged import LoggedSession
from proxy.engine.http.reading import Reading
from proxy.engine.http.session import HttpSession
from proxy.engine.http.telling import http_session
from proxy.engine.logged_tcp import LoggedTcpSession
from proxy.engine.tcp import TcpSession
from proxy.engine.tls.handshake import TlsHandshake

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from proxy.core import config
    from proxy.core.client.peer import Peer
    from proxy.core.metrics.tally import Tally
    from proxy.engine.access_log import Recorded
    from proxy.engine.arrival.stage import Step
    from proxy.engine.backend import LiveBackend
    from proxy.engine.live_pool import LivePool
    from proxy.engine.reactor import Reactor
    from proxy.engine.sock import Sock
    from proxy.engine.timers import Wheel

log = logging.getLogger("rproxy.session")


def stages_for(settings: config.Frontend) -> Iterator[Callable[..., object]]:
    """In the order in which their bytes come; clients are judged and counted as soon as their address is known."""
    if settings.proxy_protocol:
        yield HeaderStage
    if settings.allow or settings.deny:
        yield admit
    if settings.limits.connections_per_client:
        yield count_client
    if settings.mode == "tcp" and settings.routes:
        yield HelloPeek
    if settings.tls:
        yield TlsHandshake


def keeps_sessions(old: config.Frontend, new: config.Frontend) -> bool:
    """Whether sessions that began under the old settings can go on under the new ones: what they are, and what they
    leave for the log, is chosen when they begin."""
    return (old.mode, old.forwarded, old.trusted_proxies, old.access_log) == (
        new.mode, new.forwarded, new.trusted_proxies, new.access_log
    )  # fmt: skip


class Frontend:
    """active: sessions alive; accepted: all there were. completed: exchanges (HTTP) and sessions (TCP) with a good end;
    failures: by reason.

    tally: counts what ended, where there are metrics. records: of that, for the access log and the tally; None where
    there is neither.
    tls: of the next handshakes, where the configuration has TLS; new certificates come with another in its place.
    """

    def __init__(
        self,
        settings: config.Frontend,
        pools: Mapping[str, LivePool],
        reactor: Reactor,
        wheel: Wheel,
        tls: ssl.SSLContext | None = None,
        *,
        tally: Tally | None = None,
    ) -> None:
        self.reactor = reactor
        self.wheel = wheel
        self.tally = tally
        self.records = self._make_records(settings)
        self.active = 0
        self.accepted = 0
        self.completed = 0
        self.failures: Counter[str] = Counter()
        self.is_draining = False
        self.clients = ClientCounts(settings.limits.connections_per_client)
        self.room = Room(self)
        self._lines = LineBudget()
        self.session = self._session(settings)
        self.configure(settings, pools, tls)

    def configure(self, settings: config.Frontend, pools: Mapping[str, LivePool], tls: ssl.SSLContext | None) -> None:
        """Other rules, for the same kind of sessions (`keeps_sessions`). They hold for what begins from now on: new
        connections, and requests of sessions that were told (`HttpSession.configured`). What runs ends by the old."""
        self.config = settings
        self.tls = tls
        self.pool = pools[settings.pool] if settings.pool else None
        leads_on = settings.pool is not None or settings.redirect or settings.respond
        route = partial(LiveRoute, settings, pools=pools, is_recorded=self.records is not None)
        self.rest = route(None) if leads_on else None
        self.router = Router(((rule.host, rule.path, route(rule)) for rule in settings.routes), self.rest)
        self.reading = Reading(settings)
        self.reading_of_trusted = Reading(settings, believes=True)
        self.trusted = Networks(settings.trusted_proxies)
        self.has_proxies = bool(settings.trusted_proxies)  # for most there is nothing to look up
        self.access = Access(settings.allow, settings.deny)
        self.clients.limit = settings.limits.connections_per_client
        self.set_stages(stages_for(settings))
        self.room.resume()

    def succeed(self, old: Frontend) -> None:
        """Counts go on where those of `old` stand, whose sessions end one by one."""
        self.accepted = old.accepted
        self.completed = old.completed
        self.failures = old.failures
        self.clients = old.clients
        old.is_draining = True

    def _make_records(self, settings: config.Frontend) -> RecordBuffer | None:
        if settings.access_log is None and self.tally is None:
            return None
        return RecordBuffer(self.tally)

    def _session(self, settings: config.Frontend) -> Step:
        """What serves a connection."""
        if settings.mode == "tcp":
            return LoggedTcpSession if self.records is not None else TcpSession
        return http_session(settings, HttpSession if self.records is None else LoggedSession)

    def trusts(self, peer: Peer) -> bool:
        """Whether its word on the client is taken. Nobody's is whose own address is not known."""
        return self.has_proxies and peer.host in self.trusted and not peer.is_hidden

    def speaks_for_others(self, peer: Peer) -> bool:
        """Its requests say who their clients are, so that nothing is decided by its own address."""
        return self.config.mode == "http" and self.trusts(peer)

    def is_http_next(self, then: Step) -> bool:
        """Whether what is said to the client now is read as HTTP: no stage stands between, TLS for example."""
        while isinstance(then, partial) and "then" in then.keywords and not isinstance(then.func, type):
            then = then.keywords["then"]
        return then is self.session and self.config.mode == "http"

    def set_stages(self, stages: Iterable[Callable[..., object]]) -> None:
        """What every new connection passes on its way to its session. Without stages nothing is added to that way."""
        step = self.session
        for stage in reversed(tuple(stages)):
            step = partial(stage, then=step)
        self._first_step = step

    def new_session(self, client: Sock, peer: Peer) -> None:
        """Takes over an accepted, non-blocking socket."""
        self.active += 1
        self.accepted += 1
        self.enter(self._first_step, client, peer)

    def enter(self, step: Step, client: Sock, peer: Peer) -> None:
        """The session, counted already, begins its next step."""
        try:
            step(self, client, peer)
        except Exception as error:
            self.reactor.close(client)
            self.session_ended(peer.counted_as)
            if not isinstance(error, OSError):
                raise
            # no epoll watch left: /proc/sys/fs/epoll/max_user_watches
            log.error("%s: a client cannot be served: %s", self.config.name, error)

    def session_ended(self, counted_as: str) -> None:
        """counted_as: what its Peer says."""
        self.active -= 1
        if counted_as:
            self.clients.leave(counted_as)
        if self.room.waiting:
            self.room.resume()

    @property
    def outcomes(self) -> Counter[str]:
        """Ended exchanges (HTTP) and sessions (TCP) by reason, `ok` for a good end."""
        return self.failures + Counter(ok=self.completed)

    def record(self, error: ProxyError | None, what: Recorded) -> None:
        """The one record of how an exchange or a TCP session ended: the count, the access log and the metrics, a word
        to the operator. (A good end of an exchange without a record is counted on the spot, in `Exchange.finish`.)"""
        if self.records is not None:
            try:
                self.records.add(what.facts(error))
            except Exception:  # a defect of the records is none of the session, which still has to end
                log.exception("%s: %r has no record", self.config.name, what)
        if error is None:
            self.completed += 1
            return
        self.failures[error.reason] += 1
        is_clients = error.side == "downstream" or isinstance(error, NoRoute)  # any client can cause it at will
        self._say(logging.INFO if is_clients else logging.WARNING, error, error.backend)

    def connect_failed(self, pool: LivePool, backend: LiveBackend, error: ProxyError) -> None:
        """The session goes on to another backend, if there is one."""
        backend.failures[error.reason] += 1
        self._say(logging.INFO, error, backend.name)
        if not isinstance(error, NoRoom):
            pool.connect_failed(backend, error.reason)

    def _say(self, level: int, error: ProxyError, backend: str) -> None:
        if log.isEnabledFor(level) and self._lines.spend(self.reactor.now):
            left_out = self._lines.take_suppressed()
            log.log(
                level,
                "%s: %s%s%s", self.config.name, error, f" (backend {backend})" if backend else "",
                f" ({left_out} more lines left out)" if left_out else "",
            )  # fmt: skip

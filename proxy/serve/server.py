"""One running data plane: listeners, frontends, pools and logs. A controller tells it what is decided."""

from __future__ import annotations

import logging
import socket
from random import Random
from typing import TYPE_CHECKING

import trio

from proxy.core.metrics.tally import Tally
from proxy.core.timeouts import shortest_timeout
from proxy.engine.frontend import Frontend
from proxy.engine.http.exchange import Exchange
from proxy.engine.listener import Listener, refuse_new
from proxy.engine.live_pool import LivePool
from proxy.engine.make_backends import make_backends, read_tls_again
from proxy.engine.reactor import Reactor
from proxy.engine.shared.shared_pool import SharedPool
from proxy.engine.timers import Wheel
from proxy.engine.tls.backend_tls import TlsFileError
from proxy.serve.listeners import Bound
from proxy.serve.logs.access_log import LogError, LogWriter
from proxy.serve.metrics import Teller
from proxy.serve.orders import BackendState, Failed, Observed, Reconfigure, ReopenFiles, StandIn
from proxy.serve.reload.departing import Departing
from proxy.serve.reload.reconfiguration import Reconfiguration
from proxy.serve.tls.certificate_watch import CertificateWatch
from proxy.serve.tls.certificates import CertificateError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from proxy.core import config
    from proxy.core.address import Address
    from proxy.core.config import Config
    from proxy.engine.backend import LiveBackend
    from proxy.engine.observing import ObservingPool, Sight
    from proxy.engine.shared.sharing import Sharing
    from proxy.serve.listeners import Listeners
    from proxy.serve.orders import Order, Report

logger = logging.getLogger("rproxy")

RETIRE_EVERY = 0.1  # seconds between looks at idle connections, as `keep_alive.safe` reckons with


class Server:
    """Its frontends and pools, live.

    report: takes what it has to say to its controller. sharing: with other data planes, if there are any.

    addresses: what each frontend listens on, ports picked by the kernel filled in.
    """

    def __init__(
        self,
        config: Config,
        listeners: Listeners,
        report: Callable[[Report], None],
        share_with: Callable[[Reactor], Sharing] | None = None,
    ) -> None:
        """Raises LogError, TlsFileError and CertificateError. listeners: closed when it drains, and by `close`.
        share_with: other data planes; `Sharing.join` with all but the last argument."""
        self.config = config
        self.listeners = listeners
        self.report = report
        self.certificates = CertificateWatch(config.frontends)
        tls = {name: watched.current.context for name, watched in self.certificates.watched.items()}
        self.reactor = Reactor()
        self.sharing = share_with(self.reactor) if share_with is not None else None
        self.wheel = Wheel(self.reactor, shortest_timeout(config))
        self.pools = {
            name: self.make_pool(settings, make_backends(settings)) for name, settings in config.pools.items()
        }
        self.frontends = {
            name: self.make_frontend(settings, self.pools, tls.get(name)) for name, settings in config.frontends.items()
        }
        if self.sharing is not None:
            self.sharing.frontends = self.frontends
        self.departing = Departing(self)
        self._teller = Teller(self) if config.admin is not None else None
        self._accepting: list[Listener] = []
        self._others: set[socket.socket] = set()  # among our listeners, while those whose they are are away
        self._is_accepting = False
        self.logs: list[LogWriter] = []
        self._writing: trio.Nursery | None = None  # where they run
        try:
            self.logs += filter(None, map(self.open_log, self.frontends.values()))
        except BaseException:
            for log in self.logs:
                log.discard()
            self.reactor.close_all()
            raise

    def make_frontend(
        self,
        settings: config.Frontend,
        pools: Mapping[str, LivePool],
        tls: ssl.SSLContext | None,
        tally: Tally | None = None,
    ) -> Frontend:
        """tally: of its predecessor. Counted is only for those who can ask."""
        if tally is None and self.config.admin is not None:
            tally = Tally(is_tcp=settings.mode == "tcp")
        return Frontend(settings, pools, self.reactor, self.wheel, tls, tally=tally)

    def make_pool(self, settings: config.Pool, backends: list[LiveBackend]) -> LivePool:
        """backends: made from `settings`."""
        if self.sharing is None:
            return LivePool(settings, backends, Random(), self.reactor, self._observed)
        return SharedPool(settings, backends, Random(), self.reactor, self._observed, self.sharing)

    def _observed(self, pool: ObservingPool, backend: LiveBackend, what: Sight, reason: str) -> None:
        self.report(Observed(pool.name, backend.name, what, reason))

    def open_log(self, frontend: Frontend) -> LogWriter | None:
        """Raises LogError."""
        settings, records = frontend.config.access_log, frontend.records
        if settings is None or records is None:
            return None
        return LogWriter(frontend, settings, records)

    def start_log(self, log: LogWriter) -> None:
        self.logs.append(log)
        if self._writing is not None:
            self._writing.start_soon(log.run)

    def close_log(self, frontend: Frontend) -> None:
        """It has no session any more."""
        for log in [log for log in self.logs if log.records is frontend.records]:
            self.logs.remove(log)
            log.close()
        if frontend.records is not None:
            frontend.records.flush()

    def send(self, order: Order, sockets: Sequence[socket.socket] = ()) -> None:
        """A controller in this process says what is to be done."""
        match order:
            case BackendState():
                self._set_backend(order)
            case ReopenFiles():
                self._reopen_files(order)
            case Reconfigure():
                self._reconfigure(order, sockets)
            case StandIn():
                self._stand_in([Bound(*place, sock) for place, sock in zip(order.places, sockets, strict=True)])
            case _:
                raise NotImplementedError(order)

    def _reconfigure(self, order: Reconfigure, sockets: Sequence[socket.socket]) -> None:
        try:
            reconfiguration = Reconfiguration(self, order, sockets)
        except Exception as error:  # a defect as well: it is none of those who are served
            if not isinstance(error, (LogError, TlsFileError, CertificateError)):
                logger.exception("a configuration cannot be taken over")
            for sock in sockets:
                sock.close()
            self.report(Failed(str(error)))
        else:
            reconfiguration.commit()

    def _set_backend(self, state: BackendState) -> None:
        pool = self.pools.get(state.pool)
        backend = pool.find(state.backend) if pool is not None else None
        if pool is not None and backend is not None:  # else a reload has taken it away meanwhile
            self._set(pool, backend, state)

    def set_backends(self, states: Iterable[BackendState]) -> None:
        """All of them, in linear time."""
        known = {(pool.name, each.name): (pool, each) for pool in self.pools.values() for each in pool.backends}
        for state in states:
            self._set(*known[state.pool, state.backend], state)

    def _set(self, pool: LivePool, backend: LiveBackend, state: BackendState) -> None:
        if state.sockaddr is not None:
            backend.resolved(socket.AddressFamily(state.family), state.sockaddr)
        if pool.mark(backend, is_healthy=state.is_healthy) and not state.is_healthy:
            self._call_back_from(backend)
        backend.is_returning = state.is_returning
        pool.set_draining(backend, state.is_draining)
        pool.set_weight(backend, state.weight)

    def _call_back_from(self, backend: LiveBackend) -> None:
        """Requests that wait for this one may be sent elsewhere. O(sessions), for each backend that goes down."""
        for timed in self.wheel.members():
            exchange = getattr(timed, "exchange", None)
            if isinstance(exchange, Exchange) and exchange.backend is backend:
                self.reactor.call_soon(exchange.backend_left_out, backend)

    def _reopen_files(self, order: ReopenFiles) -> None:
        for log in self.logs:
            log.reopen()
        if order.certificates:
            self.certificates.look_now()
            for pool in self.pools.values():
                try:
                    read_tls_again(pool.config, pool.backends)
                except TlsFileError as error:
                    logger.error("%s: TLS to the backends stays as it was: %s", pool.name, error)

    def accept(self) -> None:
        """From now on clients are served. What connected since the bind has waited in the kernel."""
        self._is_accepting = True
        self.attach()

    def attach(self, gone: Iterable[Bound] = ()) -> None:
        """Clients of each listening socket come to its frontend, as these are now. gone: listened on no more; who waits
        in their queues is taken in."""
        accepting = {listener.sock: listener for listener in self._accepting}
        for bound in gone:
            self.listeners.remove_path(bound)
            refuse_new(bound.sock)
            if (listener := accepting.get(bound.sock)) is not None:
                listener.accept_rest()
                listener.close()
            bound.sock.close()
        self._accepting = []
        for name, _, sock in self.listeners.bound if self._is_accepting else ():
            listener, frontend = accepting.get(sock), self.frontends[name]
            if listener is not None and listener.frontend is not frontend:
                listener.close()
                listener = None
            self._accepting.append(listener or Listener(frontend, sock))

    def _stand_in(self, others: list[Bound]) -> None:
        """The sockets of those who are back are theirs again, with whoever waits in their queues."""
        former = self._others
        self._others = {bound.sock for bound in others}
        for listener in self._accepting:
            if listener.sock in former:
                listener.close()
        for sock in former:
            sock.close()
        ours = [bound for bound in self.listeners.bound if bound.sock not in former]
        self.listeners.bound = [*ours, *(bound for bound in others if bound.frontend in self.frontends)]
        self.attach()

    @property
    def addresses(self) -> dict[str, list[Address]]:
        return self.listeners.addresses

    @property
    def active(self) -> int:
        """Sessions alive."""
        return sum(frontend.active for frontend in (*self.frontends.values(), *self.departing.frontends))

    async def moved(self) -> None:
        """Returns when the reactor has been through a batch: a proof that clients are served."""
        event = trio.Event()
        self.reactor.call_soon(event.set)
        await event.wait()

    async def drain(self, seconds: float) -> int:
        """Stops accepting and lets what runs finish; cuts what is left after `seconds`, and tells how many that is."""
        for frontend in self.frontends.values():
            frontend.is_draining = True
        for listener in self._accepting:
            listener.accept_rest()
            listener.close()
        self._accepting = []
        self._is_accepting = False
        self.listeners.close()
        self._each_session("drain")
        with trio.move_on_after(seconds):
            while self.active:  # noqa: ASYNC110 - an event would have to be set on the hot path
                await trio.sleep(0.02)
        left = self.active
        self.cut()
        if self._teller is not None:
            self.report(self._teller.take())  # whoever hears reports may hear none after this
        return left

    def cut(self) -> None:
        """Ends every session now."""
        self._each_session("cut")
        for pool in (*self.pools.values(), *self.departing.pools):
            for backend in pool.backends:
                backend.expire(float("inf"))

    def _each_session(self, method: str) -> None:
        for timed in self.wheel.members():
            action = getattr(timed, method, None)
            if action is not None:
                action()

    async def retire_idle(self) -> None:
        """Closes idle connections that reached their age. Until cancelled."""
        while True:
            await trio.sleep(RETIRE_EVERY)
            now = self.reactor.read_clock()
            for pool in (*self.pools.values(), *self.departing.pools):
                for backend in pool.backends:
                    backend.retire(now, pool.timeouts.idle)
            self.departing.look(now)

    def close(self) -> None:
        self.cut()
        for listener in self._accepting:
            listener.close()
        self.listeners.close()
        if self.sharing is not None:
            self.sharing.close()
        self.reactor.close_all()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serves, from `accept` on, until cancelled, and then closes itself. Access logs are written to their ends,
        which may take some seconds when their destinations do not take them."""
        async with trio.open_nursery() as self._writing:
            for log in self.logs:
                self._writing.start_soon(log.run)
            try:
                await self._serve(task_status)
            finally:
                try:
                    self.close()
                finally:  # or those who write the logs would wait for records for ever
                    for log in self.logs:
                        log.close()

    async def _serve(self, task_status: trio.TaskStatus[None]) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.reactor.run)
            nursery.start_soon(self.wheel.run)
            if self.sharing is not None:
                nursery.start_soon(self.sharing.run)
            nursery.start_soon(self.retire_idle)
            nursery.start_soon(self.certificates.run, self.frontends)
            if self._teller is not None:
                nursery.start_soon(self._teller.run)
            task_status.started()

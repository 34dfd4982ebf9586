"""The data plane as a Trio task: `await nursery.start(serve, config)` inside any Trio program."""

from __future__ import annotations

import os
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import trio

from proxy.core.address import Address, UnixAddress
from proxy.core.health import Health
from proxy.core.pool import UNLIMITED
from proxy.engine.backend import LiveBackend
from proxy.engine.frontend import Frontend, LivePool
from proxy.engine.greeting import GreetedBackend
from proxy.engine.listener import Listener, bound_address, listen
from proxy.engine.reactor import Reactor
from proxy.engine.timers import Wheel
from proxy.engine.tls.backend_tls import BackendTls, make_context
from proxy.serve import privileges
from proxy.serve.backends import health_checks, managed_backends, resolve
from proxy.serve.logs.access_log import LogWriter
from proxy.serve.tls.certificate_watch import CertificateWatch

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from proxy.core.config import Config

RETIRE_EVERY = 0.1  # seconds between looks at idle connections, as `keep_alive.safe` reckons with


class Server:
    """One running data plane: its frontends and pools, live.

    addresses: what each frontend listens on, ports picked by the kernel filled in.
    """

    def __init__(self, config: Config) -> None:
        """Binds every listener, or none. Raises ListenError, LogError, TlsFileError and CertificateError."""
        self.config = config
        self.certificates = CertificateWatch(config.frontends)
        tls = {name: watched.current.context for name, watched in self.certificates.watched.items()}
        self.reactor = Reactor()
        self.wheel = Wheel(self.reactor, shortest_timeout(config))
        rng = Random()
        self.pools = {name: self._make_pool(name, rng) for name in config.pools}
        self.frontends = {
            name: Frontend(settings, self.pools, self.reactor, self.wheel, tls.get(name))
            for name, settings in config.frontends.items()
        }
        self._sockets: list[tuple[str, socket.socket]] = []
        self._listeners: list[Listener] = []
        self.logs: list[LogWriter] = []
        try:
            self._bind()
            self._open_logs()
        except BaseException:
            for log in self.logs:
                log.discard()
            self._close_sockets()
            self.reactor.close_all()
            raise

    def _make_pool(self, name: str, rng: Random) -> LivePool:
        settings = self.config.pools[name]
        check = settings.health_check
        context = make_context(settings.tls) if settings.tls else None
        rise, fall = (check.rise, check.fall) if check else (1, 3)
        make = partial(GreetedBackend, settings.proxy_protocol) if settings.proxy_protocol else LiveBackend
        backends = [
            make(
                backend.address,
                weight=backend.weight,
                limit=backend.max_connections or UNLIMITED,
                idle_limit=settings.idle_connections,
                members=backend.members,
                health=Health(rise=rise, fall=fall),
                tls=BackendTls(context, settings.tls, backend.address) if context and settings.tls else None,
            )
            for backend in settings.backends
        ]
        return LivePool(settings, backends, rng, self.reactor)

    def _bind(self) -> None:
        for name, settings in self.config.frontends.items():
            for address in settings.listen:
                try:
                    self._sockets.append((name, listen(address, settings.socket)))
                except OSError as error:
                    raise ListenError(name, address, error) from error

    def _open_logs(self) -> None:
        for frontend in self.frontends.values():
            settings, records = frontend.config.access_log, frontend.records
            if settings is not None and records is not None:
                self.logs.append(LogWriter(frontend, settings, records))

    def reopen_logs(self) -> None:
        """Files have been moved away."""
        for log in self.logs:
            log.reopen()

    def accept(self) -> None:
        """From now on clients are served. What connected since the bind has waited in the kernel."""
        self._listeners = [Listener(self.frontends[name], sock) for name, sock in self._sockets]

    @property
    def addresses(self) -> dict[str, list[Address]]:
        found: dict[str, list[Address]] = {name: [] for name in self.frontends}
        for name, sock in self._sockets:
            found[name].append(bound_address(sock))
        return found

    @property
    def active(self) -> int:
        """Sessions alive."""
        return sum(frontend.active for frontend in self.frontends.values())

    async def drain(self, seconds: float) -> None:
        """Stops accepting and lets what runs finish; cuts what is left after `seconds`."""
        for frontend in self.frontends.values():
            frontend.is_draining = True
        for listener in self._listeners:
            listener.accept_rest()
            listener.close()
        self._listeners = []
        self._close_sockets()
        self._each_session("drain")
        with trio.move_on_after(seconds):
            while self.active:  # noqa: ASYNC110 - an event would have to be set on the hot path
                await trio.sleep(0.02)
            return
        self.cut()

    def cut(self) -> None:
        """Ends every session now."""
        self._each_session("cut")
        for pool in self.pools.values():
            for backend in pool.backends:
                backend.expire(float("inf"))

    def _each_session(self, method: str) -> None:
        for timed in self.wheel.members():
            action = getattr(timed, method, None)
            if action is not None:
                action()

    def _close_sockets(self) -> None:
        for _, sock in self._sockets:
            _unlink_unix(sock)
            sock.close()
        self._sockets = []

    async def retire_idle(self) -> None:
        """Closes idle connections that reached their age. Until cancelled."""
        while True:
            await trio.sleep(RETIRE_EVERY)
            now = self.reactor.read_clock()
            for pool in self.pools.values():
                for backend in pool.backends:
                    backend.retire(now, pool.timeouts.idle)

    def close(self) -> None:
        self.cut()
        for listener in self._listeners:
            listener.close()
        self._close_sockets()
        self.reactor.close_all()


class ListenError(Exception):
    """An address that cannot be listened on; the message is one line that says why."""

    def __init__(self, frontend: str, address: Address, error: OSError) -> None:
        super().__init__(f"frontend {frontend}: cannot listen on {address}: {error.strerror or error}")
        self.address = address
        self.error = error


async def serve(config: Config, *, task_status: trio.TaskStatus[Server] = trio.TASK_STATUS_IGNORED) -> None:
    """Serves `config` until cancelled. `started` gives the Server, which tells the bound addresses and can drain.

    Raises ListenError, LogError, TlsFileError and PrivilegeError before `started`. Cancellation cuts every session;
    call `Server.drain` first to be kind. Access logs are written to their ends, which may take some seconds when their
    destinations do not take them.
    """
    server = Server(config)
    try:
        privileges.drop(config)
    except BaseException:
        server.close()
        raise
    async with trio.open_nursery() as logs:
        for log in server.logs:
            logs.start_soon(log.run)
        await _serve(server, task_status)


async def _serve(server: Server, task_status: trio.TaskStatus[Server]) -> None:
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.reactor.run)
            nursery.start_soon(server.wheel.run)
            nursery.start_soon(server.retire_idle)
            nursery.start_soon(resolve.keep_resolving, server.pools)
            await nursery.start(managed_backends.run, server.pools)
            nursery.start_soon(health_checks.run, server.pools)
            nursery.start_soon(server.certificates.run, server.frontends)
            server.accept()
            task_status.started(server)
    finally:
        try:
            server.close()
        finally:  # or those who write the logs would wait for records for ever
            for log in server.logs:
                log.close()


def shortest_timeout(config: Config) -> float:
    """Of all that a session's deadline may be set from: the wheel's horizon."""
    return min(_timeouts(config), default=1.0)


def _timeouts(config: Config) -> Iterator[float]:
    for frontend in config.frontends.values():
        t = frontend.timeouts
        yield from (t.request_head, t.request_body, t.keep_alive, t.idle, t.tls_handshake, t.send, t.exchange or t.idle)
        yield t.proxy_header
    for pool in config.pools.values():
        p = pool.timeouts
        yield from (p.connect, p.response_head, p.response_body, p.queue, p.send)


def _unlink_unix(sock: socket.socket) -> None:
    """A socket file that nobody listens on only misleads."""
    address = bound_address(sock)
    if isinstance(address, UnixAddress) and not address.is_abstract:
        try:
            os.unlink(address.path)
        except FileNotFoundError:
            pass
        except PermissionError:
            pass  # in a directory of root's, which we are not any more; the next start replaces it

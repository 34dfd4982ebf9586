"""TCP mode: one client connection, one backend connection, and the bytes between them."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from proxy.core.errors import ClientGone, ConnectFailed, ConnectTimeout, Draining, NoBackend, ProxyError
from proxy.core.retry import BacklogWait
from proxy.engine.backend import connect_failed
from proxy.engine.greeting import GreetingSocket
from proxy.engine.reactor import BROKEN, HANG_UP, READ, READ_WRITE, WRITABLE
from proxy.engine.relay import Relay, reset_on_close
from proxy.engine.tls.backend_tls import DialledTls, handshake_failed

if TYPE_CHECKING:
    from proxy.core.access_log.record import Record
    from proxy.core.client.peer import Peer
    from proxy.engine.backend import LiveBackend
    from proxy.engine.frontend import Frontend
    from proxy.engine.live_pool import LivePool
    from proxy.engine.sock import Sock


class TcpSession(Relay):
    """Waits for a slot, dials, relays. Everything it holds is given back in `ended`.

    Until the backend's handshake is complete nothing is read from the client, so that another backend can be tried
    without anything being lost: its bytes wait in the kernel.
    """

    __slots__ = (
        "backend",
        "backlog",
        "client_hung_up",
        "counted_as",
        "frontend",
        "is_connected",
        "is_over",
        "is_pausing",
        "peer",
        "pool",
        "tried",
    )

    def __init__(self, frontend: Frontend, client: Sock, peer: Peer, pool: LivePool | None = None) -> None:
        """pool: where a stage has routed this connection to; None for the frontend's own."""
        self.reactor = frontend.reactor
        self.frontend = frontend
        self.client = client
        self.peer = peer
        self.counted_as = peer.counted_as
        self.pool: LivePool = pool or frontend.pool  # type: ignore[assignment] # refused by core/config where both lack
        self.idle = frontend.config.timeouts.idle
        self.up = self.down = self.flows = None
        self.server = None  # type: ignore[assignment] # until `_dial`
        self.backend: LiveBackend | None = None
        self.tried: list[LiveBackend] = []
        self.backlog: BacklogWait | None = None  # until a full one was met
        self.is_pausing = False
        self.is_connected = False
        self.client_hung_up = False
        self.is_over = False
        self.deadline = self.reactor.now + self.pool.timeouts.queue
        self.bucket = None
        self.reactor.register(client.fileno(), self.on_waiting_client)
        frontend.wheel.add(self)
        self.reactor.call_soon(self._begin)

    # ------------------------------------------------------------------ pick, dial

    def _begin(self) -> None:
        """Behind the batch, so that a defect is charged to this session and not to the listener."""
        if not self.is_over:
            self._pick()

    def _pick(self, last_error: ProxyError | None = None) -> None:
        pool, tried = self.pool, self.tried
        may_try = len(tried) <= pool.retries
        backend = pool.take_another(tried) if may_try else None
        if backend is not None:
            self._dial(backend)
        elif may_try and (pool.is_full_but_for(tried) if tried else pool.is_full):
            self._wait_for_slot()
        elif last_error is None or not self._pause():
            self.abort_client(last_error or NoBackend())

    def _wait_for_slot(self) -> None:
        if self.pool.wait(self):
            self.deadline = self.reactor.now + self.pool.timeouts.queue
        else:
            self.abort_client(NoBackend("queue-full"))

    def _pause(self) -> bool:
        """Whether we wait for room in a full backlog, to begin anew then."""
        if self.backlog is None or not self.backlog.may_go_on(self.reactor.now, self.pool.timeouts.connect):
            return False
        self.is_pausing = True
        self.tried.clear()
        self.deadline = self.reactor.now + BacklogWait.PAUSE
        self.frontend.wheel.add(self)  # a pause may be shorter than the wheel's horizon: it has to look anew
        return True

    def slot_freed(self, backend: LiveBackend) -> None:
        if self.is_over:
            self.pool.give_back(backend)
        else:
            self._dial(self.pool.prefer_untried(backend, self.tried))

    def _dial(self, backend: LiveBackend) -> None:
        self.backend = backend
        self.deadline = self.reactor.now + self.pool.timeouts.connect
        try:
            server = backend.dial(backend.greeting(self.peer))
        except ConnectFailed as error:
            self._try_next(error)
            return
        if backend.tls is not None:
            self.server = backend.tls.wrap(server, self.reactor)
            self.reactor.register(server.fileno(), self.on_handshake, READ_WRITE)
            return
        self.server = server
        self.reactor.register(server.fileno(), self.on_connecting, READ_WRITE)
        if backend.family == socket.AF_UNIX:
            self._connected()

    def _try_next(self, error: ConnectFailed) -> None:
        backend = self.backend
        assert backend is not None
        self.backend = None
        self.tried.append(backend)
        if error.reason == "backlog-full" and self.backlog is None:
            self.backlog = BacklogWait()
        self.frontend.connect_failed(self.pool, backend, error)
        self.pool.give_back(backend)
        self._pick(error)

    def on_connecting(self, mask: int) -> None:
        if not mask & (WRITABLE | HANG_UP):
            return
        code = self.server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if mask & HANG_UP else 0
        if code:
            assert self.backend is not None
            self.reactor.close(self.server)
            self._try_next(connect_failed(OSError(code, os.strerror(code)), self.backend))
            return
        self._connected()
        if not self.is_over:
            self.on_server(mask)

    def on_handshake(self, mask: int) -> None:
        """Of TLS with the backend, once the connection has come about."""
        server, backend = self.server, self.backend
        assert isinstance(server, DialledTls) and backend is not None and backend.tls is not None
        try:
            is_complete = server.handshake()
        except OSError as error:
            self.reactor.close(server)
            self._try_next(handshake_failed(error, backend))
            return
        if is_complete:
            self._connected()
            if not self.is_over:
                self.on_server(READ)  # what came with the end of the handshake causes no other event

    def on_waiting_client(self, mask: int) -> None:
        """What the client sends, and its end of stream, wait in the kernel; only a reset ends the session here."""
        if mask & BROKEN:
            self.abort_client(ClientGone(phase="dial"))
        elif mask & HANG_UP:
            self.client_hung_up = True

    def _connected(self) -> None:
        assert self.backend is not None
        self.is_connected = True
        self.pool.connected(self.backend)
        if isinstance(self.server, GreetingSocket):
            self.server.greet()
        self.begin_relay(self.client, self.server)
        self.reactor.set_handler(self.client.fileno(), self.on_client)
        self.reactor.set_handler(self.server.fileno(), self.on_server)
        self.deadline = self.reactor.now + self.idle
        if self.client_hung_up:
            self.up.hang_up = True  # type: ignore[union-attr] # begin_relay has just made it
        self.pump_up()

    # ------------------------------------------------------------------ the end

    def timed_out(self) -> None:
        if self.is_connected:
            super().timed_out()
        elif self.is_pausing:
            self.is_pausing = False
            self._pick()
        elif self.backend is None:
            self.pool.stop_waiting(self)
            self.abort_client(NoBackend("queue-timeout"))
        else:
            self.reactor.close(self.server)
            self._try_next(ConnectTimeout(backend=self.backend.name))

    def crashed(self, error: Exception) -> None:
        if self.is_connected:
            super().crashed(error)
        else:
            self.abort_client(ProxyError("crash", repr(error), phase="dial"))

    @property
    def relays_to(self) -> LiveBackend | None:
        return self.backend

    def drain(self) -> None:
        """A TCP session ends when its peers end it."""

    def cut(self) -> None:
        """The deadline of a shutdown passed."""
        if self.is_connected:
            self.abort(Draining(phase="tunnel"))
        else:
            self.abort_client(Draining(phase="dial"))

    def abort_client(self, error: ProxyError) -> None:
        """Before there was a backend connection."""
        reset_on_close(self.client)
        self.ended(error)

    def facts(self, error: ProxyError | None) -> Record:
        raise NotImplementedError  # a frontend with records has a LoggedTcpSession

    def ended(self, error: ProxyError | None) -> None:
        if self.is_over:
            return
        self.is_over = True
        self.frontend.wheel.remove(self)
        self.release_flows()
        self.reactor.close(self.client)
        if self.server is not None:
            self.reactor.close(self.server)
        if self.backend is not None:
            self.pool.give_back(self.backend)
        else:
            self.pool.stop_waiting(self)
        self.frontend.record(error, self)
        self.frontend.session_ended(self.counted_as)

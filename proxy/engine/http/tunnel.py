"""What an exchange becomes after the backend's 101: bytes both ways (RFC 9110 section 7.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.errors import Draining
from proxy.engine.relay import Relay

if TYPE_CHECKING:
    from proxy.core.errors import ProxyError
    from proxy.engine.backend import LiveBackend
    from proxy.engine.http.connection import BackendConnection
    from proxy.engine.http.session import HttpSession
    from proxy.engine.live_pool import LivePool


class Tunnel(Relay):
    """Keeps the exchange's slot until it ends. The wheel watches it in place of the session."""

    __slots__ = ("_backend", "_is_over", "_pool", "_session")

    def __init__(
        self, session: HttpSession, connection: BackendConnection, backend: LiveBackend, pool: LivePool
    ) -> None:
        self.reactor = session.reactor
        self.idle = session.frontend.config.timeouts.idle
        self.deadline = self.reactor.now + self.idle
        self.bucket = None
        self._session = session
        self._backend = backend
        self._pool = pool
        self._is_over = False
        self.begin_relay(session.sock, connection.sock)
        session.frontend.wheel.remove(session)
        session.frontend.wheel.add(self)
        self.reactor.set_handler(connection.sock.fileno(), self.on_server)
        self.reactor.set_handler(session.sock.fileno(), self.on_client)

    def start(self, head: bytes) -> None:
        """head: the 101 and what the backend sent behind it. What the client sent behind its request goes up first."""
        session = self._session
        assert self.up is not None and self.down is not None
        self.down.put(session.take_unsent() + head)
        self.up.put(session.buffer)
        session.buffer = b""
        self.up.hang_up = self.down.hang_up = True  # edges until now were not read to their end
        self.pump_down()
        self.pump_up()
        for flow in (self.up, self.down):
            if flow is not None:
                flow.hang_up = False

    @property
    def relays_to(self) -> LiveBackend:
        return self._backend

    def drain(self) -> None:
        """A tunnel ends when its peers end it."""

    def cut(self) -> None:
        self.abort(Draining(phase="tunnel"))

    def ended(self, error: ProxyError | None) -> None:
        if self._is_over:
            return
        self._is_over = True
        session = self._session
        session.frontend.wheel.remove(self)
        self.release_flows()
        self.reactor.close(self.server)
        self._pool.give_back(self._backend)
        session.frontend.record(error, session)
        session.close()

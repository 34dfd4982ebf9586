"""A connection to a backend that speaks HTTP/1.1: lent to one exchange at a time, idle in between."""

from __future__ import annotations

import select
import socket
from typing import TYPE_CHECKING

from proxy.engine.reactor import HANG_UP, READ, READ_WRITE

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core.client.peer import Peer
    from proxy.engine.backend import LiveBackend
    from proxy.engine.http.exchange import Exchange
    from proxy.engine.reactor import Reactor
    from proxy.engine.sock import Sock


class BackendConnection:
    """exchange: whose turn it is; None while idle. is_connected: something was sent, or the handshake was seen to be
    complete. is_reused: it carried an exchange before, so its end may be the backend's idle timeout and no fault.
    greeting: what it began with, on behalf of a client (engine/greeting.py)."""

    __slots__ = (
        "backend",
        "exchange",
        "greeting",
        "idle_since",
        "is_connected",
        "is_reused",
        "reactor",
        "recv",
        "send",
        "sock",
    )

    def __init__(self, reactor: Reactor, backend: LiveBackend, peer: Peer) -> None:
        """Dials on behalf of `peer`. Raises ConnectFailed."""
        self.reactor = reactor
        self.backend = backend
        self.greeting = backend.greeting(peer)
        self.sock = sock = self.open()
        self.recv: Callable[[int], bytes] = sock.recv
        self.send: Callable[[bytes], int] = sock.send
        self.exchange: Exchange | None = None
        self.is_connected = False
        self.is_reused = False
        self.idle_since = 0.0

    def open(self) -> Sock:
        return self.backend.dial(self.greeting)

    def register(self, *, for_writing: bool) -> None:
        self.reactor.register(self.sock.fileno(), self.on_event, READ_WRITE if for_writing else READ)

    def watch_writing(self) -> None:
        self.reactor.watch(self.sock.fileno(), READ_WRITE)

    def on_event(self, mask: int) -> None:
        exchange = self.exchange
        if exchange is not None:
            try:
                exchange.on_backend(mask)
            except Exception as error:  # noqa: BLE001 - by now this connection may be idle, or serve somebody else
                self.reactor.crashed(exchange.on_backend, error)
        elif mask & (select.EPOLLIN | HANG_UP):
            self.spoke_while_idle(mask)

    def spoke_while_idle(self, mask: int) -> None:
        """The backend closed it, or sent what nobody asked for. Either way it is not used again."""
        now = self.reactor.now
        self.backend.idle_life.closed_after(now - self.idle_since, now)
        self.backend.idle.remove(self)
        self.close()

    def has_more(self) -> bool:
        """Bytes or the end of the stream stand behind the response: no event will announce them again."""
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def crashed(self, error: Exception) -> None:
        if self.exchange is not None:
            self.exchange.crashed(error)
            return
        if self in self.backend.idle:
            self.backend.idle.remove(self)
        self.close()

    def close(self) -> None:
        self.exchange = None
        self.reactor.close(self.sock)

"""A connection to a backend that speaks HTTP/1.1 over TLS: the handshake comes before what exchanges see of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.engine.http.connection import BackendConnection
from proxy.engine.reactor import READ_WRITE, WRITABLE
from proxy.engine.tls.backend_tls import handshake_failed

if TYPE_CHECKING:
    from proxy.engine.sock import Sock


class TlsConnection(BackendConnection):
    """Until the handshake is complete its socket takes nothing, so that the whole request waits in the exchange's
    upload and may still go to another backend."""

    __slots__ = ("_tls",)

    def open(self) -> Sock:
        tls = self.backend.tls
        assert tls is not None
        self._tls = tls.wrap(self.backend.dial(self.greeting), self.reactor)
        return self._tls

    def register(self, *, for_writing: bool) -> None:
        self.reactor.register(self.sock.fileno(), self._on_handshake, READ_WRITE)

    def _on_handshake(self, mask: int) -> None:
        exchange = self.exchange
        assert exchange is not None  # else closed
        try:
            if not self._tls.handshake():
                return
        except OSError as error:
            exchange.connection_failed(handshake_failed(error, self.backend))
            return
        exchange.pool.connected(self.backend)
        self.reactor.set_handler(self.sock.fileno(), self.on_event)
        self._tls.announce()  # what came with the end of the handshake causes no other event
        self.on_event(WRITABLE)

    def spoke_while_idle(self, mask: int) -> None:
        """Tickets may come at any time, and are no answer to anything."""
        if self.has_more():
            super().spoke_while_idle(mask)

"""The rest of a request's body behind its answer: read and thrown away, so that the client's connection can go on."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

from proxy.core.errors import Draining, ProxyError
from proxy.engine.flow import FIRST_READ
from proxy.engine.http.body import Counted
from proxy.engine.reactor import HANG_UP

if TYPE_CHECKING:
    from proxy.engine.http.session import HttpSession

MOST = 64 * 1024  # bytes; a new connection costs less than to take in more (RFC 9112 section 9.3)
PATIENCE = 2.0  # seconds for all of it; then the session closes as after any last answer


class Leftover:
    """Stands in the place of the exchange, whose answer was handed to the kernel, until the body has ended.

    size: what is left of the body, at most MOST. A chunked body ends nobody knows where, so that its client is told
    with the answer that the connection will close.
    """

    __slots__ = ("_body", "_session")

    def __init__(self, session: HttpSession, size: int) -> None:
        self._session = session
        self._body = Counted(size)

    def start(self) -> None:
        session = self._session
        session.exchange = self
        session.deadline = session.reactor.now + PATIENCE
        self._read()

    def on_client(self, mask: int) -> None:
        if mask & HANG_UP:
            self._leave()
        elif mask & select.EPOLLIN:
            self._read()

    def _read(self) -> None:
        """To the end of the body, or to where the kernel has no more."""
        session, body = self._session, self._body
        while not body.is_done:
            try:
                data = session.recv(FIRST_READ)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._leave()
                return
            body.feed(data)
        session.buffer = body.rest
        session.may_read = True
        session.passed_over()
        session.next(keep_alive=not session.frontend.is_draining)

    def timed_out(self) -> None:
        self._session.next(keep_alive=False)

    def _leave(self) -> None:
        """The client has left, and it had its answer."""
        self._session.exchange = None
        self._session.close()

    def abort(self, error: ProxyError) -> None:
        """The exchange was recorded with its answer."""
        self._session.exchange = None
        self._session.abort()

    def cut(self) -> None:
        """The deadline of a shutdown passed."""
        self.abort(Draining())

    def crashed(self, error: Exception) -> None:
        self._session.crashed(error)

"""Sessions and exchanges of frontends with an access log: they note when each step was reached, and count bytes.

Classes of their own, chosen when the frontend is made, so that a frontend without a log pays for none of it. The notes
stand in the session, which has one exchange at a time.

The clock is that of the batch. A batch is at most 128 events, some 2.5 ms on a busy core and 50 us on a quiet one, and
an event's arrival is nearer to the start of its batch than to its turn in it. nginx and HAProxy read their clocks once
per round as well. A clock of our own at each step would cost 0.05 us five times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.access_log.record import SeenHead
from proxy.engine.access_log import Meter, reason_of
from proxy.engine.flow import ENDLESS
from proxy.engine.http.exchange import Exchange
from proxy.engine.http.session import HttpSession
from proxy.engine.http.tunnel import Tunnel
from proxy.engine.http.waiting import Waiting

if TYPE_CHECKING:
    from proxy.core.access_log.record import Record
    from proxy.core.errors import ProxyError
    from proxy.core.http1 import RequestHead, ResponseHead
    from proxy.core.peer import Peer
    from proxy.engine.backend import LiveBackend
    from proxy.engine.frontend import Frontend
    from proxy.engine.http.live_route import LiveRoute
    from proxy.engine.sock import Sock

_CONNECT = Waiting.CONNECT


class LoggedSession(HttpSession):
    """current: the exchange that has no record yet. seen: the bytes last parsed, in which a request that is refused is
    looked for. began: when the first byte of a head came that is not complete yet, 0.0 without one. number: of the
    exchange on this connection. uploaded: bytes of its body that flows have read. read, picked, ...: see
    `access_log.record.Marks`.
    """

    __slots__ = (
        "_received_before",
        "_sent_before",
        "answered",
        "began",
        "current",
        "dialled",
        "is_reused",
        "meter",
        "number",
        "picked",
        "read",
        "seen",
        "status",
        "tries",
        "uploaded",
        "used",
        "written",
    )

    def __init__(self, frontend: Frontend, sock: Sock, peer: Peer) -> None:
        super().__init__(frontend, sock, peer)
        assert frontend.access_log is not None
        self.meter = meter = Meter(frontend.access_log.next_session(), peer, sock)
        self.recv = meter.recv
        self.send = meter.send
        self.number = self._received_before = self._sent_before = 0
        self._forget()

    def _forget(self) -> None:
        """Ready for the next exchange."""
        self.current: Exchange | None = None
        self.seen = b""
        self.began = self.read = self.picked = self.dialled = self.written = self.answered = 0.0
        self.used: LiveBackend | None = None
        self.is_reused = False
        self.tries = self.status = self.uploaded = 0

    def _parse(self, data: bytes) -> None:
        self.seen = data
        super()._parse(data)

    def _wait_for_rest(self, data: bytes) -> None:
        if not self.began:
            self.began = self.reactor.now
        super()._wait_for_rest(data)

    def _begin(self, head: RequestHead, route: LiveRoute) -> None:
        super()._begin(head, route)
        assert isinstance(self.exchange, Exchange)
        self.current = self.exchange
        self.seen = b""
        self.read = now = self.reactor.now
        if not self.began:
            self.began = now

    def facts(self, error: ProxyError | None) -> Record:
        exchange, now, meter = self.current, self.reactor.now, self.meter
        received, sent = meter.received, meter.sent
        if exchange is not None:
            received -= len(self.buffer)  # of the next request
        bytes_in, bytes_out = received - self._received_before + self.uploaded, sent - self._sent_before
        self._received_before, self._sent_before = received, sent
        self.number += 1
        if exchange is None:
            head, pool = SeenHead(self.seen), ""
        else:
            head, pool = exchange.head, exchange.pool.name if exchange.pool else ""  # type: ignore[assignment]
            if exchange.upload is not None:
                bytes_in += exchange.upload.taken
            if exchange.download is not None:
                bytes_out += exchange.download.flow.moved
            if isinstance(self.exchange, Tunnel):
                up, down = self.exchange.flows  # type: ignore[misc] # a tunnel begins with its relay
                bytes_in += ENDLESS - up.left
                bytes_out += down.moved
        began = self.began or now
        marks = (began, self.read, self.picked, self.dialled, self.written, self.answered, now)
        backend = self.used.name if self.used is not None else ""
        record = (meter, self.number, head, marks, pool, backend, self.tries, self.is_reused,
                  self.status if error is None else error.status, self.status, bytes_in, bytes_out,
                  reason_of(error))  # fmt: skip
        self._forget()
        return record


class Noting(Exchange):
    """Notes in its session what the access log wants to know. Goes before another kind of exchange."""

    __slots__ = ()
    session: LoggedSession

    def connect(self, backend: LiveBackend, *, is_fresh: bool = False) -> None:
        session = self.session
        now = session.reactor.now
        session.used = backend
        session.tries += 1
        if not session.picked:
            session.picked = now
        super().connect(backend, is_fresh=is_fresh)
        connection = self.connection
        if connection is not None:
            session.is_reused = connection.is_reused
            if self.upload is None:
                session.dialled = session.written = now
            elif connection.is_reused:
                session.dialled = now

    def wait(self, waiting: Waiting, seconds: float) -> None:
        if self.waiting is _CONNECT and waiting is not _CONNECT:
            self.session.dialled = self.session.reactor.now
        super().wait(waiting, seconds)

    def upload_done(self) -> None:
        session = self.session
        if self.upload is not None:
            session.uploaded += self.upload.taken
        if not session.answered:
            session.written = session.reactor.now
        super().upload_done()

    def backend_stopped_reading(self, error: OSError) -> None:
        upload = self.upload
        super().backend_stopped_reading(error)
        if upload is not None and self.upload is None:
            self.session.uploaded += upload.taken

    def _finish_whole(self, response: ResponseHead, body: bytes, is_clean: bool) -> None:
        if not self.is_over:
            self._is_answered(response)
        super()._finish_whole(response, body, is_clean)

    def _stream(self, response: ResponseHead, body: bytes, length: int, *, hang_up: bool) -> None:
        self._is_answered(response)
        super()._stream(response, body, length, hang_up=hang_up)

    def _switch_protocols(self, response: ResponseHead, rest: bytes) -> None:
        self._is_answered(response)
        super()._switch_protocols(response, rest)

    def _is_answered(self, response: ResponseHead) -> None:
        session = self.session
        session.answered = session.reactor.now
        session.status = response.status


def logged(kind: type[Exchange]) -> type[Exchange]:
    """That kind of exchange, noting."""
    return type(f"Logged{kind.__name__}", (Noting, kind), {"__slots__": ()})

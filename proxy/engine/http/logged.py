"""Sessions and exchanges of frontends with an access log or metrics: they note when each step was reached and count.

Classes of their own, chosen when the frontend is made, so that a frontend without either pays for none of it. The notes
stand in the session, which has one exchange at a time.

The clock is that of the batch. A batch is at most 128 events, some 2.5 ms on a busy core and 50 us on a quiet one, and
an event's arrival is nearer to the start of its batch than to its turn in it. nginx and HAProxy read their clocks once
per round as well. A clock of our own at each step would cost 0.05 us five times.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from proxy.core.access_log.record import OK, SWITCHED, Client, SeenHead, Usual
from proxy.engine.access_log import Meter, reason_of
from proxy.engine.flow import ENDLESS
from proxy.engine.http.exchange import Exchange
from proxy.engine.http.session import HttpSession
from proxy.engine.http.tunnel import Tunnel
from proxy.engine.http.waiting import Waiting

if TYPE_CHECKING:
    from proxy.core.access_log.record import Outcome, Record
    from proxy.core.client.peer import Peer
    from proxy.core.errors import ProxyError
    from proxy.core.http.request import RequestHead
    from proxy.core.http.response import ResponseHead
    from proxy.engine.backend import LiveBackend
    from proxy.engine.frontend import Frontend
    from proxy.engine.http.live_route import LiveRoute
    from proxy.engine.sock import Sock

_CONNECT = Waiting.CONNECT
_NO_MARKS: list[float] = []  # of all sessions: nobody writes to it
READ, PICKED, DIALLED, WRITTEN, ANSWERED, ENDED = range(1, 7)  # of `Marks`


class LoggedSession(HttpSession):
    """current: the exchange that has no record yet. marks: of that exchange, or of the head that is not complete yet.
    seen: the beginning of a head, in which a request that is refused is looked for. number: of the exchange on this
    connection. used: the backend tried last. status: of its answer. uploaded: bytes of the body that flows have read.
    """

    __slots__ = ("_received_before", "_sent_before", "client", "current", "is_reused", "marks", "meter", "number",
                 "seen", "status", "tries", "uploaded", "used")  # fmt: skip

    def __init__(self, frontend: Frontend, sock: Sock, peer: Peer) -> None:
        super().__init__(frontend, sock, peer)
        assert frontend.records is not None
        self.client = frontend.records.new_client(peer)
        self.meter = meter = Meter(sock)
        self.recv = meter.recv
        self.send = meter.send
        self.number = self._received_before = self._sent_before = 0
        self._forget()

    def _forget(self) -> None:
        """Ready for the next exchange."""
        self.current: Exchange | None = None
        self.marks: list[float] = _NO_MARKS
        self.seen = b""
        self.used: LiveBackend | None = None
        self.is_reused = False
        self.tries = self.status = self.uploaded = 0

    def refuse_head(self, data: bytes, error: ProxyError) -> None:
        self.seen = data
        super().refuse_head(data, error)

    def _wait_for_rest(self, data: bytes) -> None:
        self.seen = data
        if not self.marks:
            self.marks = [self.reactor.now, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
        super()._wait_for_rest(data)

    def _begin(self, head: RequestHead, route: LiveRoute) -> None:
        """All that the other does as well: a call of it cost 0.15 us."""
        reactor = self.reactor
        self.requests_left -= 1
        self.exchange = self.current = exchange = route.exchange(self, head, route)
        reactor.call_soon(exchange.start)
        self.seen = b""
        now = reactor.now
        if not self.marks:
            self.marks = [now, now, 0.0, 0.0, 0.0, 0.0, 0.0]
        else:
            self.marks[READ] = now

    def passed_over(self) -> None:
        self._received_before = self.meter.received - len(self.buffer)

    def facts(self, error: ProxyError | None) -> Record:
        """Flat, because every exchange passes here: divided it cost 0.2 us more, of 0.9."""
        exchange = self.current
        if exchange is None:
            return self._facts_without_exchange(error)
        meter, pool, used, marks = self.meter, exchange.pool, self.used, self.marks
        received, sent = meter.received - len(self.buffer), meter.sent  # the buffer is of the next request
        bytes_in, bytes_out = received - self._received_before + self.uploaded, sent - self._sent_before
        self._received_before, self._sent_before = received, sent
        if exchange.upload or exchange.download or self.status == SWITCHED:
            up, down = self._carried(exchange)
            bytes_in += up
            bytes_out += down
        marks[ENDED] = self.reactor.now
        self.number = number = self.number + 1
        client = self.client
        if client.peer is not self.peer:  # a trusted proxy speaks for somebody else now
            client = self.client = Client(client.session, self.peer)
        if error is None and self.is_reused and self.tries == 1:  # nearly always; `used` is the backend then
            outcome: Outcome | None = used.usual.get(self.status)  # type: ignore[union-attr]
            if outcome is None:
                outcome = self._make_usual(exchange)
        else:
            status = self.status or exchange.route.reply.status if error is None else error.status  # type: ignore[union-attr] # one or other
            outcome = (pool.name if pool is not None else "", used.name if used is not None else "", self.tries,
                       self.is_reused, status, self.status, reason_of(error))  # fmt: skip
        self._forget()
        return client, number, exchange.head, marks, outcome, bytes_in, bytes_out

    def _make_usual(self, exchange: Exchange) -> Outcome:
        used, status = self.used, self.status
        assert used is not None
        outcome = used.usual[status] = Usual((exchange.pool.name, used.name, 1, True, status, status, OK))
        return outcome

    def _facts_without_exchange(self, error: ProxyError | None) -> Record:
        """Of a request that was refused, or not even complete."""
        assert error is not None
        meter, now = self.meter, self.reactor.now
        bytes_in, bytes_out = meter.received - self._received_before, meter.sent - self._sent_before
        self._received_before, self._sent_before = meter.received, meter.sent
        began = self.marks[0] if self.marks else now
        outcome = ("", "", 0, False, error.status, 0, reason_of(error))
        head = SeenHead(self.seen)
        if self.client.peer is not self.peer:
            self.client = Client(self.client.session, self.peer)
        self.number += 1
        self._forget()
        return self.client, self.number, head, (began, 0.0, 0.0, 0.0, 0.0, 0.0, now), outcome, bytes_in, bytes_out

    def _carried(self, exchange: Exchange) -> tuple[int, int]:
        """Bytes from the client and to it that did not pass through this session's `recv` and `send`."""
        up = exchange.upload.taken if exchange.upload is not None else 0
        down = exchange.download.flow.moved if exchange.download is not None else 0
        if isinstance(self.exchange, Tunnel) and self.exchange.flows is not None:
            up += ENDLESS - self.exchange.flows[0].left
            down += self.exchange.flows[1].moved
        return up, down


class Noting(Exchange):
    """Notes in its session what a record wants to know. Goes before another kind of exchange.

    plain_connect, plain_finish_whole: of that kind. Every exchange calls them, and `super()` costs 0.1 us, until it is
    compiled away in Python 3.12.
    """

    __slots__ = ()
    session: LoggedSession
    plain_connect = Exchange.connect
    plain_finish_whole = Exchange._finish_whole

    def connect(self, backend: LiveBackend, is_fresh: bool = False) -> None:
        session = self.session
        marks, now = session.marks, session.reactor.now
        session.used = backend
        session.tries += 1
        if not marks[PICKED]:
            marks[PICKED] = now
        self.plain_connect(backend, is_fresh)  # by name it cost 0.05 us more
        connection = self.connection
        if connection is not None:
            session.is_reused = connection.is_reused
            if self.upload is None:
                marks[DIALLED] = marks[WRITTEN] = now
            elif connection.is_reused:
                marks[DIALLED] = now

    def wait(self, waiting: Waiting, seconds: float) -> None:
        if self.waiting is _CONNECT and waiting is not _CONNECT:
            self.session.marks[DIALLED] = self.session.reactor.now
        super().wait(waiting, seconds)

    def upload_done(self) -> None:
        session = self.session
        if self.upload is not None:
            session.uploaded += self.upload.taken
        if not session.marks[ANSWERED]:
            session.marks[WRITTEN] = session.reactor.now
        super().upload_done()

    def backend_stopped_reading(self, error: OSError) -> None:
        upload = self.upload
        super().backend_stopped_reading(error)
        if upload is not None and self.upload is None:
            self.session.uploaded += upload.taken

    def _finish_whole(self, response: ResponseHead, body: bytes, is_clean: bool) -> None:
        if not self.is_over:
            session = self.session
            session.marks[ANSWERED] = session.reactor.now
            session.status = response.status
        self.plain_finish_whole(response, body, is_clean)

    def _stream(self, response: ResponseHead, body: bytes, length: int, *, hang_up: bool) -> None:
        self._is_answered(response)
        super()._stream(response, body, length, hang_up=hang_up)

    def _switch_protocols(self, response: ResponseHead, rest: bytes) -> None:
        self._is_answered(response)
        super()._switch_protocols(response, rest)

    def _is_answered(self, response: ResponseHead) -> None:
        session = self.session
        session.marks[ANSWERED] = session.reactor.now
        session.status = response.status


@cache
def logged(kind: type[Exchange]) -> type[Exchange]:
    """That kind of exchange, noting."""
    plain = {"plain_connect": kind.connect, "plain_finish_whole": kind._finish_whole}
    return type(f"Logged{kind.__name__}", (Noting, kind), {"__slots__": (), **plain})

"""The engine's part of the access log and of the metrics: records in a bounded buffer, and who gets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import trio

from proxy.core.access_log.record import OK, Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core.access_log.record import Record
    from proxy.core.client.peer import Peer
    from proxy.core.errors import ProxyError
    from proxy.core.metrics.tally import Tally
    from proxy.engine.frontend import Frontend
    from proxy.engine.sock import Sock

# Records at a time: 50 us of lines, or 15 of counts. One by one they cost half as much again. The heads of 128 are
# 170 KB, which beside other work no cache holds: 22 us of user time per new head with metrics and log, where 27 were.
ENOUGH = 32


class Recorded(Protocol):
    """What has ended: a session, with or without an exchange, or a connection that has none yet."""

    def facts(self, error: ProxyError | None) -> Record:
        """For the access log and the metrics; asked once for each."""


class RecordBuffer:
    """consume: gets the records, up to ENOUGH at a time, from within a handler: it never waits. Until somebody takes
    that over it is the tally of frontends with metrics and no access log. records: those that it does not have yet.
    """

    __slots__ = ("_is_over", "_last_session", "_something", "consume", "records")

    def __init__(self, tally: Tally | None = None) -> None:
        self.consume: Callable[[list[Record]], None] = tally.add if tally is not None else _lose
        self.records: list[Record] = []
        self._last_session = 0
        self._is_over = False
        self._something = trio.Event()

    def new_client(self, peer: Peer) -> Client:
        self._last_session += 1
        return Client(self._last_session, peer)

    def add(self, record: Record) -> None:
        """From a handler."""
        records = self.records
        records.append(record)
        if len(records) >= ENOUGH:
            self.flush()
        elif len(records) == 1:
            self._something.set()

    def flush(self) -> None:
        """Those that are left: they are not to wait any longer."""
        records, self.records = self.records, []
        self._something = trio.Event()
        self.consume(records)

    async def wait(self) -> None:
        """Until there is a record, or it is the end, or somebody else wants whoever waits."""
        if not self.records and not self._is_over:
            await self._something.wait()

    def wake(self) -> None:
        self._something.set()

    def end(self) -> None:
        """Nobody adds any more."""
        self._is_over = True
        self.wake()


def _lose(records: list[Record]) -> None:
    """There is nobody who wants them."""


class Meter:
    """Counts the bytes of a socket. recv, send: in place of the socket's; an object of its own and not the session, so
    that the session holds no circle."""

    __slots__ = ("_recv", "_send", "received", "sent")

    def __init__(self, sock: Sock) -> None:
        self.received = 0
        self.sent = 0
        self._recv = sock.recv
        self._send = sock.send

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        data = self._recv(size, flags)
        self.received += len(data)
        return data

    def send(self, data: bytes | memoryview, /) -> int:
        sent = self._send(data)
        self.sent += sent
        return sent


def reason_of(error: ProxyError | None) -> str:
    return f"{error.phase}/{error.reason}" if error is not None else OK


class Unserved:
    """A connection that ended before its session began."""

    __slots__ = ("_began", "_frontend", "_peer")

    def __init__(self, frontend: Frontend, peer: Peer, began: float) -> None:
        self._frontend = frontend
        self._peer = peer
        self._began = began

    def facts(self, error: ProxyError | None) -> Record:
        frontend = self._frontend
        records, now = frontend.records, frontend.reactor.now
        assert records is not None and error is not None
        status = error.status if frontend.config.mode == "http" else 0
        marks = (self._began, 0.0, 0.0, 0.0, 0.0, 0.0, now)
        return (records.new_client(self._peer), 0, None, marks, ("", "", 0, False, status, 0, reason_of(error)), 0, 0)

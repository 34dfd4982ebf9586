"""The engine's part of the access log and of the metrics: records in a bounded buffer, which serve/ empties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import trio

from proxy.core.access_log.record import OK, Client

if TYPE_CHECKING:
    from proxy.core.access_log.record import Record
    from proxy.core.client.peer import Peer
    from proxy.core.errors import ProxyError
    from proxy.core.metrics.tally import Tally
    from proxy.engine.frontend import Frontend
    from proxy.engine.sock import Sock

# Records that wait to be made lines of. It is emptied every few hundredths of a second, and one core ends some 2,000
# exchanges in that time: it is full when this process is not given the processor.
MAX_RECORDS = 16_384
NEVER = 1 << 30


class Recorded(Protocol):
    """What has ended: a session, with or without an exchange, or a connection that has none yet."""

    def facts(self, error: ProxyError | None) -> Record:
        """For the access log and the metrics; asked once for each."""


class RecordBuffer:
    """records: not taken yet. dropped: how many found it full since the last `take_dropped`. tally: counts those; all
    others are counted by whoever takes them."""

    __slots__ = ("_is_over", "_last_session", "_there_are_enough", "_wake_at", "dropped", "records", "tally")

    def __init__(self, tally: Tally | None = None) -> None:
        self.tally = tally
        self.records: list[Record] = []
        self.dropped = 0
        self._last_session = 0
        self._is_over = False
        self._wake_at = NEVER
        self._there_are_enough = trio.Event()

    def new_client(self, peer: Peer) -> Client:
        self._last_session += 1
        return Client(self._last_session, peer)

    def add(self, record: Record) -> None:
        """From a handler: it never waits."""
        records = self.records
        if len(records) >= MAX_RECORDS:
            self.dropped += 1
            if self.tally is not None:
                self.tally.add((record,))
            return
        records.append(record)
        if len(records) >= self._wake_at:
            self._wake_at = NEVER
            self._there_are_enough.set()

    async def wait(self, count: int) -> None:
        """Until there are so many records, or it is the end."""
        if len(self.records) < count and not self._is_over:
            self._there_are_enough = trio.Event()
            self._wake_at = count
            await self._there_are_enough.wait()

    def end(self) -> None:
        """Nobody adds any more."""
        self._is_over = True
        self._there_are_enough.set()

    def take(self, count: int) -> list[Record]:
        """The oldest, at most so many."""
        taken, self.records = self.records[:count], self.records[count:]
        return taken

    def take_dropped(self) -> int:
        dropped, self.dropped = self.dropped, 0
        return dropped


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

"""A client connection in HTTP mode: reads one request head after another and gives each to an exchange."""

from __future__ import annotations

import socket
from functools import lru_cache
from typing import TYPE_CHECKING

from proxy.core.errors import (
    BadRequest,
    ClientGone,
    ClientTimeout,
    CrowdedOut,
    Draining,
    NoRoute,
    ProxyError,
    error_page,
)
from proxy.core.http.framing import END_OF_HEAD
from proxy.core.http.request import could_be_request, skip_empty_lines
from proxy.engine.flow import FIRST_READ
from proxy.engine.http.slow_reader import SlowReader
from proxy.engine.reactor import BROKEN, HANG_UP, READ_WRITE, WRITABLE
from proxy.engine.relay import reset_on_close

if TYPE_CHECKING:
    from proxy.core.access_log.record import Record
    from proxy.core.client.peer import Peer
    from proxy.core.http.request import RequestHead
    from proxy.engine.frontend import Frontend
    from proxy.engine.http.exchange import Exchange
    from proxy.engine.http.leftover import Leftover
    from proxy.engine.http.live_route import LiveRoute
    from proxy.engine.http.reading import Reading
    from proxy.engine.http.tunnel import Tunnel
    from proxy.engine.sock import Sock
    from proxy.engine.timers import Bucket

NO_BEGINNING = (b"", b"\r")
GRACE = 1.0  # seconds, for a client that has just connected or just had its answer, to ask once more of one who drains
LINGER = 2.0  # seconds that a closing connection takes in what the client still sends (RFC 9112 section 9.6)


@lru_cache(maxsize=4096)
def _client_fields(host: str, scheme: str, certificate: bytes) -> bytes:
    """What a backend is told of the client, and the end of the head. A Unix socket's client has no address.

    Cached by address, so that many connections of one client share the bytes."""
    forwarded_for = b"X-Forwarded-For: " + host.encode() + b"\r\n" if host else b""
    return b"%bX-Forwarded-Proto: %b\r\n%b\r\n" % (forwarded_for, scheme.encode(), certificate)


class HttpSession:
    """exchange: the request being served, or the tunnel it became; None between requests. Requests that came early
    wait in `buffer` and in the kernel: the next is read when the answer to the last was handed to the kernel.

    client_fields: the end of every request head for a backend. may_read: the kernel may hold bytes that no event will
    announce again. unsent: the end of an answer that the client has not taken yet. owed: the exchange it is of, which
    is recorded when the client has taken it, or will not. requests_left, of limit_of_requests: until the connection is
    closed; below 0 when there is no limit.
    """

    __slots__ = ("bucket", "buffer", "client_fields", "deadline", "exchange", "find_head", "frontend", "head_limit",
                 "is_closing", "is_over", "limit_of_requests", "may_read", "owed", "peer", "reactor", "reader",
                 "reading", "recv", "requests_left", "send", "sock", "timeouts", "unsent",
                 "watches_writing")  # fmt: skip

    def __init__(self, frontend: Frontend, sock: Sock, peer: Peer) -> None:
        self.frontend = frontend
        self.reactor = frontend.reactor
        self.timeouts = frontend.config.timeouts
        self.sock = sock
        self.recv = sock.recv
        self.send = sock.send
        self.peer = peer
        self.client_fields = _client_fields(peer.host, peer.scheme, peer.tls.fields if peer.tls else b"")
        self.read_by(frontend.reading)
        self.head_limit = frontend.config.limits.head
        self.exchange: Exchange | Tunnel | Leftover | None = None
        self.buffer = b""
        self.unsent: bytes | memoryview = b""
        self.owed: Exchange | None = None
        self.reader: SlowReader | None = None  # while nothing but `unsent` is left of an answer
        self.may_read = False
        self.requests_left = self.limit_of_requests = frontend.config.limits.requests_per_connection or -1
        self.is_closing = False  # nothing more is read as a request
        self.is_over = False
        self.watches_writing = False
        self.deadline = self.reactor.now + self.timeouts.request_head
        self.bucket: Bucket | None = None
        self.reactor.register(sock.fileno(), self.on_event)
        frontend.wheel.add(self)

    # ------------------------------------------------------------------ read

    def on_event(self, mask: int) -> None:
        """Between requests: takes in what the client sent and starts an exchange if that is a request."""
        exchange = self.exchange
        if exchange is not None:
            exchange.on_client(mask)
            return
        if self.unsent or self.is_closing:
            self._on_event_while_ending(mask)
            return
        try:
            data = self.recv(FIRST_READ)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if not data:
            self._client_ended()
            return
        if mask & BROKEN:  # reset: nobody waits for an answer to what it sent before
            self.frontend.record(ClientGone("client-reset"), self)
            self.close()
            return
        if len(data) == FIRST_READ or mask & HANG_UP:
            self.may_read = True
            if mask & HANG_UP:
                self.reactor.call_soon(self._client_leaves)
        if self.buffer:
            data = self.buffer + data
        known = self.find_head(data)
        if known is None:
            self._parse(data)
        else:
            self.buffer = b""
            self._begin(*known)

    def _client_ended(self) -> None:
        if self.buffer:
            self.frontend.record(BadRequest("incomplete-head", "the client closed within a request head"), self)
        self.close()

    def _client_leaves(self) -> None:
        """Its end came with its request, and no event will tell of it again. The exchange begins behind this batch."""
        if self.exchange is not None:
            self.reactor.call_soon(self._client_left, self.exchange)

    def _client_left(self, exchange: Exchange | Tunnel | Leftover) -> None:
        if self.exchange is exchange and not self.is_over:
            exchange.abort(ClientGone())

    def _parse(self, data: bytes) -> None:
        if data[0] <= 13:
            data = skip_empty_lines(data)
        end = data.find(END_OF_HEAD) + len(END_OF_HEAD)
        is_whole = end >= len(END_OF_HEAD)
        if (end if is_whole else len(data)) > self.head_limit:
            self.refuse_head(data, BadRequest("head-too-large", f"over {self.head_limit} bytes", status=431))
        elif is_whole:
            self._start(data[:end], data[end:])
        else:
            self._wait_for_rest(data)

    def _wait_for_rest(self, data: bytes) -> None:
        if data and not could_be_request(data):
            self.refuse_head(data, BadRequest("syntax", "this is not HTTP/1"))
            return
        # Empty lines, and half of one, are no beginning, or they could hold a session for ever.
        if data not in NO_BEGINNING and self.buffer in NO_BEGINNING:
            self.deadline = self.reactor.now + self.timeouts.request_head
        self.buffer = data
        if self.may_read:
            self.may_read = False
            self.on_event(0)  # at most limits.head / FIRST_READ deep: what is longer is refused

    def _start(self, raw: bytes, rest: bytes) -> None:
        reading = self.reading
        known = reading.heads.find(raw)
        if known is None:
            parser = reading.parser
            try:
                head = parser.parse(raw, self.peer.host)
                route = self.frontend.router.find(head.host or b"", head.target)
                if route is None:
                    raise NoRoute
                if route.changes_requests:
                    route.prepare(head)
            except ProxyError as error:
                self.refuse_head(raw, error)
                return
            known = head, route
            if not parser.met_new:
                reading.heads.offer(raw, known)
        self.buffer = rest
        self._begin(*known)

    def refuse_head(self, data: bytes, error: ProxyError) -> None:
        """data: the head, or its beginning."""
        self.refuse(error, is_head=data.startswith(b"HEAD "))

    def _begin(self, head: RequestHead, route: LiveRoute) -> None:
        """Behind the batch, as every write: see `Reactor`."""
        self.requests_left -= 1
        self.exchange = exchange = route.exchange(self, head, route)
        self.reactor.call_soon(exchange.start)

    def configured(self) -> None:
        """Other rules of the frontend, from the next request on. What `limits.requests_per_connection` leaves is what
        it would be if the new limit had held from the first request."""
        settings, used = self.frontend.config, self.limit_of_requests - self.requests_left
        self.timeouts = settings.timeouts
        self.head_limit = settings.limits.head
        self.limit_of_requests = limit = settings.limits.requests_per_connection or -1
        self.requests_left = limit - used if limit < 0 else max(limit - used, 1)
        self.read_by(self.frontend.reading)

    def read_by(self, reading: Reading) -> None:
        """How the next heads are read, and where they lead."""
        self.reading = reading
        self.find_head = reading.heads.hot.get

    # ------------------------------------------------------------------ write

    def write(self, data: bytes) -> None:
        """The last or only part of an answer: sent now, or kept until the client takes it."""
        if self.unsent:
            data = self.take_unsent() + data
        try:
            sent = self.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        if sent < len(data):
            self.unsent = memoryview(data)[sent:]
            self.reader = SlowReader(self, -len(self.unsent))
            self.deadline = self.reader.blocked(-len(self.unsent), self.reactor.now)
            self.watch_writing()

    def _write_rest(self) -> None:
        try:
            sent = self.send(self.unsent)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        self.unsent = self.unsent[sent:]
        if self.unsent:
            assert self.reader is not None
            self.deadline = self.reader.blocked(-len(self.unsent), self.reactor.now)
        else:
            self.reader = None
            self._record_owed(None)
            self.next(keep_alive=not self.is_closing)

    def write_interim(self, data: bytes) -> None:
        """A 1xx head; the rest of the answer follows. What the client does not take at once goes before that."""
        if self.unsent:
            self.unsent = bytes(self.unsent) + data  # bounded: exchange.MAX_INTERIM heads
            return
        try:
            sent = self.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # the client is gone: the event that says so follows
        self.unsent = data[sent:]

    def take_unsent(self) -> bytes:
        """For whoever goes on writing: it comes first."""
        unsent, self.unsent = self.unsent, b""
        return bytes(unsent)

    def watch_writing(self) -> None:
        if not self.watches_writing:
            self.watches_writing = True
            self.reactor.watch(self.sock.fileno(), READ_WRITE)

    def next(self, *, keep_alive: bool) -> None:
        """The exchange is over and the kernel has its whole answer."""
        self.exchange = None
        if not keep_alive or self.is_closing:
            self.is_closing = True
            self._linger()
            return
        self.deadline = self.reactor.now + self.timeouts.keep_alive
        if self.buffer:
            data, self.buffer = self.buffer, b""
            self._parse(data)
        elif self.may_read:
            self.may_read = False
            self.on_event(0)

    def owe(self, exchange: Exchange | None, *, keep_alive: bool) -> None:
        """As `next`, but the client has not taken the end of the answer yet, or left meanwhile. exchange: is recorded
        when that is known; None when it was."""
        self.exchange = None
        self.is_closing = self.is_closing or not keep_alive
        self.owed = exchange
        if self.is_over:
            self._record_owed(ClientGone(phase="write"))

    def _record_owed(self, error: ProxyError | None) -> None:
        if self.owed is not None:
            self.owed = None
            self.frontend.record(error, self)

    def refuse(self, error: ProxyError, *, keep_alive: bool = False, is_head: bool = False) -> None:
        """Answers with an error page. Unless keep_alive, nothing the client still sends is read as a request."""
        if not keep_alive:
            self.buffer = b""
        self.write(error_page(error, keep_alive=keep_alive, is_head=is_head))
        self.frontend.record(error, self)
        if self.unsent or self.is_over:
            self.owe(None, keep_alive=keep_alive)
        else:
            self.next(keep_alive=keep_alive)

    # ------------------------------------------------------------------ the end

    def _linger(self) -> None:
        """Closes so that the answer arrives: a socket closed over unread bytes would reset it away."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            self.watch_writing()  # TLS says something before the end, for which there is no room yet
        except OSError:
            self.close()
            return
        self.deadline = self.reactor.now + LINGER
        self._discard()

    def _discard(self) -> None:
        if self.is_over:
            return
        for _ in range(16):
            try:
                if self.recv(FIRST_READ):
                    continue
            except BlockingIOError:
                return
            except OSError:
                pass
            self.close()
            return
        self.reactor.call_soon(self._discard)

    def _on_event_while_ending(self, mask: int) -> None:
        if not self.unsent:
            if mask & WRITABLE:
                self._linger()
            else:
                self._discard()
            return
        self.may_read = True  # the same event may announce the next request
        if mask & HANG_UP:
            self.close()
        elif mask & WRITABLE:
            self._write_rest()

    def passed_over(self) -> None:
        """Bytes have been read that belong to no exchange still to be recorded."""

    def facts(self, error: ProxyError | None) -> Record:
        raise NotImplementedError  # a frontend with records has a LoggedSession

    def spare_since(self) -> float | None:
        if self.exchange is not None or self.unsent or self.is_over:
            return None
        if self.is_closing:
            return self.deadline - LINGER
        is_first = self.requests_left == self.limit_of_requests
        is_in_head = self.buffer or is_first
        return self.deadline - (self.timeouts.request_head if is_in_head else self.timeouts.keep_alive)

    def make_room(self) -> None:
        if self.buffer:
            self.frontend.record(CrowdedOut(), self)
        self.close()

    def timed_out(self) -> None:
        if self.exchange is not None:
            self.exchange.timed_out()
        elif self.reader is not None:
            try:
                self.deadline = self.reader.judge(-len(self.unsent), self.reactor.now)
            except ClientTimeout as error:
                self._record_owed(error)
                self.abort()
        elif self.buffer and not self.is_closing:
            self.refuse(ClientTimeout("request-head-timeout"))
        else:
            self.close()

    def crashed(self, error: Exception) -> None:
        """A defect of ours: whatever state this session is in, it ends here and everything it held is given back."""
        reason = ProxyError("crash", repr(error))
        if self.exchange is not None:
            self.exchange.abort(reason)
        else:
            self.owed = None  # this is the one record of it
            self.frontend.record(reason, self)
            self.abort()

    def drain(self) -> None:
        """No further request after the present one, after one that the kernel holds already, or after one that is about
        to come: its client would see its connection closed instead of an answer."""
        self.reactor.call_soon(self._end_if_idle)

    def _end_if_idle(self) -> None:
        if self.exchange is None and not (self.unsent or self.is_closing or self.is_over):
            self.on_event(0)
        idle_since = self.spare_since()
        if idle_since is None or self.buffer or self.is_closing:
            return
        if self.reactor.now < idle_since + GRACE:
            self.deadline = min(self.deadline, idle_since + GRACE)
            self.frontend.wheel.add(self)  # sooner than it would look
        else:
            self.close()

    def cut(self) -> None:
        """The deadline of a shutdown passed."""
        if self.exchange is not None:
            self.exchange.abort(Draining())
        else:
            self._record_owed(Draining())
            self.abort()

    def abort(self) -> None:
        """Ends with a reset, so that a cut answer cannot be taken for a whole one."""
        reset_on_close(self.sock)
        self.close()

    def close(self) -> None:
        if self.is_over:
            return
        self.is_over = True
        self._record_owed(ClientGone(phase="write"))
        self.unsent = self.buffer = b""
        self.frontend.wheel.remove(self)
        self.reactor.close(self.sock)
        self.frontend.session_ended(self.peer.counted_as)

"""One connection to the target, with at most one request under way."""

from __future__ import annotations

import math
import os
import socket
from typing import TYPE_CHECKING, Protocol

from proxy.core.address import UnixAddress
from proxy.engine.reactor import HANG_UP, READ_WRITE
from proxy.lab.load.clients.answer import Answers
from proxy.lab.load.clients.causes import CLOSED, GARBLED, OWN, TIMEOUT, cause_of
from proxy.lab.response_heads import Garbled

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core.address import Address
    from proxy.engine.reactor import Reactor
    from proxy.engine.timers import Bucket, Wheel
    from proxy.lab.response_heads import ResponseHeads

READ_SIZE = 65536


class User(Protocol):
    """Whose connection it is: told exactly one of these for each request, and `lost` for the end of an idle one."""

    def answered(self, connection: Connection, at: float) -> None: ...
    def failed(self, connection: Connection, cause: str, at: float) -> None: ...
    def lost(self, connection: Connection) -> None: ...


class Link:
    """What the connections of one load share. family, sockaddr: of the target."""

    def __init__(
        self, address: Address, reactor: Reactor, wheel: Wheel, heads: ResponseHeads, clock: Callable[[], float]
    ):
        self.reactor, self.wheel, self.heads, self.clock = reactor, wheel, heads, clock
        self.sockaddr: str | tuple[str, int] | tuple[str, int, int, int]
        if isinstance(address, UnixAddress):
            self.family, self.sockaddr = socket.AF_UNIX, address.sockaddr
        elif ":" in address.host:
            self.family, self.sockaddr = socket.AF_INET6, (address.host, address.port, 0, 0)
        else:
            self.family, self.sockaddr = socket.AF_INET, (address.host, address.port)


class Connection:
    """intended, begun: of the request under way; begun is the send, or the connect where one was made for it.
    local: our end, (host, port), or the inode of a Unix socket, by which the kernel tells its peer.

    An answer's time is that of its batch: whatever epoll reported had come by then, and what we do with the events
    before it in the same batch must not count as the target's slowness.
    """

    __slots__ = ("_answers", "_broken", "_link", "_sock", "_unsent", "begun", "bucket", "count", "deadline", "intended",
                 "is_busy", "is_open", "local", "user")  # fmt: skip

    def __init__(self, link: Link, user: User) -> None:
        self._link = link
        self.user = user
        self._sock: socket.socket | None = None
        self._answers = Answers(link.heads)
        self._unsent = b""
        self._broken = ""
        self.is_open = False
        self.is_busy = False
        self.intended = self.begun = self.deadline = 0.0
        self.bucket: Bucket | None = None
        self.count = 0
        self.local: object = None

    def open(self) -> str:
        """Begins to connect. Why not, where that can be told at once."""
        link = self._link
        try:
            sock = self._sock = socket.socket(link.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            if link.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(link.sockaddr)
        except OSError as error:
            if not isinstance(error, BlockingIOError) or link.family == socket.AF_UNIX:
                self._release()
                return cause_of(error)
        if link.family == socket.AF_UNIX:
            self.local = os.fstat(sock.fileno()).st_ino
        else:
            self.local = sock.getsockname()
        if self.local == link.sockaddr:  # nobody listened, and its own port met itself (RFC 9293 section 3.5)
            self._release()
            return "refused"
        self.is_open = True
        self.deadline = math.inf
        link.wheel.add(self)
        link.reactor.register(sock.fileno(), self.handle, READ_WRITE)
        return ""

    def ask(self, request: bytes, intended: float, timeout: float) -> None:
        """Sends as soon as the kernel takes it; the user is told what became of it, never before this returns."""
        self.intended, self.begun = intended, self._link.clock()
        self.is_busy = True
        if not self.is_open and (cause := self.open()):
            self._link.reactor.call_soon(self._end, cause)
            return
        self.deadline = intended + timeout
        self._unsent = request
        self._send()

    def close(self) -> None:
        """No one is told."""
        self.is_busy = self.is_open = False
        self._release()

    def handle(self, mask: int) -> None:
        sock = self._sock
        if sock is None:
            return
        if self._unsent:
            self._send()
        try:
            while True:
                data = sock.recv(READ_SIZE)
                if not data:
                    self._ended()
                    return
                self._take(data)
                if self._sock is not sock:
                    return
                if len(data) < READ_SIZE and not mask & HANG_UP:
                    return
        except BlockingIOError:
            return
        except OSError as error:
            self._end(cause_of(error))

    def timed_out(self) -> None:
        self._end(TIMEOUT)

    def crashed(self, error: Exception) -> None:
        self._end(OWN + "defect")

    def _send(self) -> None:
        assert self._sock is not None
        try:
            self._unsent = self._unsent[self._sock.send(self._unsent) :]
        except BlockingIOError:
            pass  # still connecting: an event tells
        except OSError as error:
            self._unsent = b""
            self._broken = cause_of(error)  # the kernel tells it once; an answer that was sent before may still be read

    def _take(self, data: bytes) -> None:
        try:
            if not self.is_busy:
                raise Garbled("an answer to no request")
            if self._answers.feed(data):
                self._done(self._answers.keep_alive)
        except Garbled:
            self._end(GARBLED)

    def _ended(self) -> None:
        if self.is_busy and self._answers.end():
            self._done(False)
        else:
            self._end(self._broken or CLOSED)

    def _done(self, keep: bool) -> None:
        self.is_busy = False
        self.count += 1
        self.deadline = math.inf
        if not keep:
            self.close()
        self.user.answered(self, self._link.reactor.now)

    @property
    def status(self) -> int:
        """Of the last answer."""
        return self._answers.status

    def _end(self, cause: str) -> None:
        was_busy = self.is_busy
        self.close()
        if was_busy:
            self.user.failed(self, cause, self._link.reactor.now)
        else:
            self.user.lost(self)

    def _release(self) -> None:
        self._unsent = b""
        self._broken = ""
        self._answers = Answers(self._link.heads)
        self._link.wheel.remove(self)
        if self._sock is not None:
            self._link.reactor.close(self._sock)
            self._sock = None

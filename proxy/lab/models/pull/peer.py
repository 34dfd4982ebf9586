"""A connected socket on the reactor, and a listening one that makes them."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from proxy.core.address import UnixAddress, parse_address
from proxy.engine.reactor import HANG_UP, READ, READ_WRITE

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.engine.reactor import Reactor

_READ_SIZE = 65536
_BACKLOG = 4096  # connections; the kernel's own limit is lower on most machines


class Peer:
    """Whoever uses it sets `received`, called with what came, and `ended`, called once when the other side closed, the
    connection broke, or one of the two raised; never after `close`."""

    __slots__ = ("_reactor", "_sock", "_unsent", "_will_end", "_will_send", "ended", "received")

    def __init__(self, sock: socket.socket, reactor: Reactor) -> None:
        """Takes a connected, non-blocking socket over."""
        self._sock: socket.socket | None = sock
        self._reactor = reactor
        self._unsent = bytearray()
        self._will_send = self._will_end = False
        self.received: Callable[[bytes], None] = lambda data: None
        self.ended: Callable[[], None] = lambda: None
        reactor.register(sock.fileno(), self._handle, READ_WRITE)

    def send(self, data: bytes) -> None:
        """Behind the events of this batch, with all else that was sent in it. Nothing once the connection has ended."""
        self._unsent += data
        if not self._will_send:
            self._will_send = True
            self._reactor.call_soon(self._send)

    def finish(self) -> None:
        """Ends when all is sent; `ended` is called then, and `received` no more."""
        self._will_end = True
        self.received = lambda data: None
        self.send(b"")

    def close(self) -> None:
        """What was not sent is lost."""
        sock, self._sock = self._sock, None
        if sock is not None:
            self._reactor.close(sock)

    def crashed(self, error: Exception) -> None:
        self._end()

    def _send(self) -> None:
        self._will_send = False
        if self._sock is None:
            return
        try:
            while self._unsent:
                del self._unsent[: self._sock.send(self._unsent)]
            if self._will_end:
                self._end()
        except BlockingIOError:
            pass  # an event tells when there is room
        except OSError:
            self._end()

    def _handle(self, mask: int) -> None:
        if self._unsent:
            self._send()
        try:
            while self._sock is not None:
                data = self._sock.recv(_READ_SIZE)
                if not data:
                    self._end()
                    return
                self.received(data)
                if len(data) < _READ_SIZE and not mask & HANG_UP:
                    return
        except BlockingIOError:
            return
        except OSError:
            self._end()

    def _end(self) -> None:
        if self._sock is not None:
            self.close()
            self.ended()


class Listener:
    """met: called with each new connection."""

    def __init__(self, address: str, reactor: Reactor, met: Callable[[Peer], None]) -> None:
        """Listens at once. Raises AddressError, OSError."""
        self._reactor, self._met = reactor, met
        self._sock, target = _socket(address)
        self._sock.setblocking(False)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._sock.bind(target)
        self._sock.listen(_BACKLOG)
        reactor.register(self._sock.fileno(), self._handle, READ)

    def _handle(self, mask: int) -> None:
        try:
            while True:
                sock, _ = self._sock.accept()
                sock.setblocking(False)
                self._met(Peer(sock, self._reactor))
        except OSError:
            pass  # there are no more; or no descriptor, and those who wait are taken in with the next who comes

    def crashed(self, error: Exception) -> None:
        """Whoever it met is lost; it goes on with the next."""


def connect(address: str, reactor: Reactor) -> Peer:
    """To one of our own processes on this machine, which answers or refuses at once. Raises AddressError, OSError."""
    sock, target = _socket(address)
    try:
        sock.connect(target)
    except BaseException:
        sock.close()
        raise
    sock.setblocking(False)
    return Peer(sock, reactor)


def _socket(address: str) -> tuple[socket.socket, str | tuple[str, int]]:
    """One that suits the address, and the address as the socket takes it. Not by `engine.listener`: it needs all of
    the configuration, which takes 0.2 s to import, and processes of the lab start by the dozen."""
    where = parse_address(address)
    if isinstance(where, UnixAddress):
        return socket.socket(socket.AF_UNIX), where.sockaddr
    sock = socket.socket(socket.AF_INET6 if ":" in where.host else socket.AF_INET)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # those it accepts inherit it
    return sock, (where.host, where.port)

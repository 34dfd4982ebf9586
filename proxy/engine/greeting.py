"""PROXY headers to backends that ask for them: the first bytes of each connection, which then belongs to one client."""

from __future__ import annotations

import socket
from functools import lru_cache
from typing import TYPE_CHECKING

from proxy.core.client.proxy_header_writer import LOCAL, encode_v1, encode_v2
from proxy.engine.backend import LiveBackend

if TYPE_CHECKING:
    from typing import Any

    from proxy.core.client.peer import Peer
    from proxy.core.client.proxy_protocol import Tlv
    from proxy.core.config.sections.values import ProxyVersion
    from proxy.engine.http.connection import BackendConnection


@lru_cache(maxsize=1024)
def _header(
    version: ProxyVersion, source: tuple[str, int], destination: tuple[str, int], tlvs: tuple[Tlv, ...]
) -> bytes:
    """5 us; the requests of one client ask for it again and again."""
    return encode_v1(source, destination) if version == "v1" else encode_v2(source, destination, tlvs)


class GreetedBackend(LiveBackend):
    """Its idle connections are lent only to requests of the client that they were made for: the backend takes all that
    comes over a connection for that client's (proxy-protocol.txt section 2). A client that keeps its connection to us
    so keeps one to the backend, and no request is told of another's address. Found by a look at the newest first."""

    __slots__ = ("_version",)

    def __init__(self, version: ProxyVersion, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._version: ProxyVersion = version

    def greeting(self, peer: Peer) -> bytes:
        return _header(self._version, (peer.host, peer.port), (peer.local_host, peer.local_port), peer.tlvs)

    def greeting_of_probe(self, ours: Peer) -> bytes:
        """Version 1 has no word for a connection of our own: its ends are told as they are (section 2.1)."""
        return self.greeting(ours) if self._version == "v1" else LOCAL

    def make_socket(self, kind: int, greeting: bytes) -> socket.socket:
        sock = GreetingSocket(self.family, kind)
        sock.greeting = greeting
        return sock

    def take_idle(self, peer: Peer | None = None) -> BackendConnection | None:
        assert peer is not None
        greeting = self.greeting(peer)
        for index in range(len(self.idle) - 1, -1, -1):
            if self.idle[index].greeting == greeting:
                return self.idle.pop(index)
        return None

    def keep(self, connection: BackendConnection, now: float) -> bool:
        """At the limit the oldest goes, since its client may be gone, and nobody else can use it."""
        if self.idle and len(self.idle) >= self.idle_limit:
            self.idle.pop(0).close()
        return super().keep(connection, now)


class GreetingSocket(socket.socket):
    """Sends its greeting in front of the first bytes that it is given, be they a request or a ClientHello. A header is
    smaller than any segment, so that a socket takes all of it or, while the handshake is under way, nothing."""

    greeting = b""

    def send(self, data: Any, flags: int = 0, /) -> int:
        if not self.greeting:
            return super().send(data, flags)
        return self._behind_greeting(super().send(self.greeting + data, flags))

    def sendmsg(self, buffers: Any, *more: Any) -> int:
        if not self.greeting:
            return super().sendmsg(buffers, *more)
        return self._behind_greeting(super().sendmsg((self.greeting, *buffers), *more))

    def _behind_greeting(self, sent: int) -> int:
        """How much was taken of what was to be sent."""
        sent -= len(self.greeting)
        self.greeting = self.greeting[sent:] if sent < 0 else b""
        if sent < 0:
            raise BlockingIOError
        return sent

    def greet(self) -> None:
        """For a protocol in which the server speaks first."""
        try:
            self.send(b"")
        except OSError:
            pass  # an event tells

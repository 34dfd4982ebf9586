"""TLS that passes through unread, but for the name in its first message: that chooses the pool (RFC 6066 section 3)."""

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING

from proxy.core.client.client_hello import MAX_SIZE, HelloReader
from proxy.core.client.proxy_protocol import AUTHORITY
from proxy.core.errors import BadHello, ClientGone, ClientTimeout, NoRoute
from proxy.engine.arrival.stage import Stage
from proxy.engine.reactor import BROKEN, HANG_UP

if TYPE_CHECKING:
    from proxy.core.client.peer import Peer
    from proxy.engine.arrival.stage import Step
    from proxy.engine.frontend import Frontend

# A fatal alert in a record of TLS 1.0, which every version reads (RFC 8446 section 6.2).
UNRECOGNIZED_NAME = b"\x15\x03\x01\x00\x02\x02\x70"


class HelloPeek(Stage):
    """The last stage of a TCP frontend with routes. It only looks: the bytes stay in the kernel, where the session
    finds them as if nobody had been here.

    Each look copies all that has come, which the limit of a hello makes cheap: 1 us for 16 KiB. A Unix socket holds no
    more than 278 pieces that are not read, be they of one byte; who sends a hello in more runs into the deadline.
    """

    __slots__ = ("_reader", "_seen")

    def __init__(self, frontend: Frontend, sock: socket.socket, peer: Peer, then: Step) -> None:
        self._reader = HelloReader()
        self._seen = 0
        super().__init__(frontend, sock, peer, then)

    def seconds(self) -> float:
        return self.frontend.config.timeouts.tls_handshake

    def on_event(self, mask: int) -> None:
        try:
            data = self.sock.recv(MAX_SIZE, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError as error:
            self.give_up(ClientGone("client-reset", str(error), phase="accept"))
            return
        new = data[self._seen :]
        self._seen = len(data)
        try:
            hello = self._reader.feed(new)
        except BadHello as error:
            self.give_up(error)
            return
        if mask & BROKEN:
            self.give_up(ClientGone("client-reset", phase="accept"))
        elif hello is not None:
            self._route(hello.server_name)
        elif not data or mask & HANG_UP:
            self.give_up(ClientGone(phase="accept") if data else None)

    def _route(self, name: str) -> None:
        if name and not any(kind == AUTHORITY for kind, _ in self.peer.tlvs):
            self.peer.tlvs = (*self.peer.tlvs, (AUTHORITY, name.encode()))
        route = self.frontend.router.find(name.encode(), b"")
        if route is not None:
            self.then = partial(self.then, pool=route.pool)  # type: ignore[call-arg] # a TcpSession, or what hands it on to one
            self.finish()
            return
        try:
            self.sock.recv(MAX_SIZE)  # closed over unread bytes, the socket would reset the alert away
            self.sock.send(UNRECOGNIZED_NAME)
        except OSError:
            pass  # the client is told by the end of its connection
        self.give_up(NoRoute(detail=f'server name "{name}"' if name else "no server name"))

    def timed_out(self) -> None:
        self.give_up(ClientTimeout("client-hello-timeout", phase="accept"))

"""The PROXY header that every connection of some frontends begins with: read, and not a byte more.

Whoever is not in `trusted_proxies` is turned away before anything is read.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from proxy.core.client.proxy_protocol import MAX_HEADER, ProxyHeader, parse
from proxy.core.errors import BadProxyHeader, ClientGone, ClientTimeout, Denied
from proxy.engine.arrival.stage import Stage
from proxy.engine.reactor import BROKEN, HANG_UP

if TYPE_CHECKING:
    from proxy.core.client.peer import Peer
    from proxy.engine.arrival.stage import Step
    from proxy.engine.frontend import Frontend
    from proxy.engine.sock import Sock


class HeaderStage(Stage):
    """Looks with MSG_PEEK until the header is whole, then takes exactly its bytes: what follows, a ClientHello or a
    request, is for the next step. Each look reads from the beginning, which costs a hostile proxy's dripping 4 KiB at
    most per byte of its own."""

    __slots__ = ()

    def __init__(self, frontend: Frontend, sock: Sock, peer: Peer, then: Step) -> None:
        super().__init__(frontend, sock, peer, then)
        if not frontend.trusts(peer):
            self.give_up(Denied("untrusted-proxy", f"{peer.host or 'a Unix socket'} is not in trusted_proxies"))

    def seconds(self) -> float:
        return self.frontend.config.timeouts.proxy_header

    def on_event(self, mask: int) -> None:
        try:
            data = self.sock.recv(MAX_HEADER, socket.MSG_PEEK)
            header = parse(data)
        except BlockingIOError:
            return
        except OSError as error:
            self.give_up(ClientGone("client-reset", str(error), phase="accept"))
            return
        except BadProxyHeader as error:
            self.give_up(error)
            return
        if mask & BROKEN:
            self.give_up(ClientGone("client-reset", phase="accept"))
        elif header is not None:
            self._take(header)
        elif not data:
            self.give_up(None)  # a connect that was a health check
        elif mask & HANG_UP:
            self.give_up(BadProxyHeader("proxy-header-incomplete", "the connection ended within the header"))

    def _take(self, header: ProxyHeader) -> None:
        self.sock.recv(header.size)
        self.peer = self.peer.stated_by(header)
        self.finish()

    def timed_out(self) -> None:
        self.give_up(ClientTimeout("proxy-header-timeout", phase="accept"))

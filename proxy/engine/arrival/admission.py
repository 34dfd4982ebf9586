"""`allow` and `deny`: a step between accept and session, before anything of the client's is read."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from proxy.core.errors import Denied, error_page
from proxy.engine.access_log import Unserved
from proxy.engine.arrival.stage import Stage
from proxy.engine.flow import FIRST_READ, MAX_ROUNDS

if TYPE_CHECKING:
    from proxy.core.client.peer import Peer
    from proxy.core.errors import ProxyError
    from proxy.engine.arrival.stage import Step
    from proxy.engine.frontend import Frontend
    from proxy.engine.sock import Sock

LINGER = 2.0  # seconds, as of sessions


def admit(frontend: Frontend, sock: Sock, peer: Peer, then: Step) -> None:
    """Of trusted proxies in HTTP mode each request is judged, by the client that it names (engine/http/telling.py)."""
    if frontend.access.admits(peer.host) or frontend.speaks_for_others(peer):
        then(frontend, sock, peer)
        return
    error = Denied.of(peer.host)
    frontend.record(error, Unserved(frontend, peer, frontend.reactor.now))
    if frontend.is_http_next(then):
        Goodbye(frontend, sock, peer, error)
    else:
        frontend.reactor.close(sock)
        frontend.session_ended(peer.counted_as)


class Goodbye(Stage):
    """Answers without having read anything, and then takes in what the client sends until it has seen the answer: a
    socket closed over unread bytes would reset it away."""

    __slots__ = ()

    def __init__(self, frontend: Frontend, sock: Sock, peer: Peer, error: ProxyError) -> None:
        super().__init__(frontend, sock, peer, frontend.session)
        try:
            sock.send(error_page(error))
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.give_up(None)

    def seconds(self) -> float:
        return LINGER

    def on_event(self, mask: int) -> None:
        try:
            for _ in range(MAX_ROUNDS):
                if not self.sock.recv(FIRST_READ):
                    break
        except BlockingIOError:
            return
        except OSError:
            pass
        self.give_up(None)

    def timed_out(self) -> None:
        self.give_up(None)

    def make_room(self) -> None:
        self.give_up(None)  # it has been recorded

"""The step of a connection that counts it for its client's address, and refuses it beyond `connections_per_client`."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from proxy.core.errors import TooManyConnections, error_page
from proxy.engine.access_log import Unserved
from proxy.engine.flow import LARGE_READ
from proxy.engine.relay import reset_on_close

if TYPE_CHECKING:
    from proxy.core.client.peer import Peer
    from proxy.engine.arrival.stage import Step
    from proxy.engine.frontend import Frontend


def count_client(frontend: Frontend, sock: socket.socket, peer: Peer, then: Step) -> None:
    """Stands behind whatever tells the client's address. Who has none, on a Unix socket, is not counted, nor is a
    trusted proxy, which carries the connections or the requests of many."""
    if peer.host and not frontend.trusts(peer):
        peer.counted_as = frontend.clients.enter(peer.host)
        if not peer.counted_as:
            _refuse(frontend, sock, peer, has_page=frontend.is_http_next(then))
            return
    then(frontend, sock, peer)


def _refuse(frontend: Frontend, sock: socket.socket, peer: Peer, *, has_page: bool) -> None:
    """At once, whether the client has sent its request or not: a refusal that waits is a connection that it has."""
    error = TooManyConnections()
    frontend.record(error, Unserved(frontend, peer, frontend.reactor.now))
    if has_page:
        _say_goodbye(sock, error_page(error))
    else:
        reset_on_close(sock)
    frontend.reactor.close(sock)
    frontend.session_ended("")


def _say_goodbye(sock: socket.socket, page: bytes) -> None:
    """What has come by now is read: the reset that it would cause at close could take the page with it."""
    try:
        sock.send(page)
        sock.shutdown(socket.SHUT_WR)
        sock.recv(LARGE_READ)
    except OSError:
        pass

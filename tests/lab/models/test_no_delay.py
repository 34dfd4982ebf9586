"""What a listening socket hands down."""

from __future__ import annotations

import socket

from proxy.lab.models.no_delay import no_delay


def test_accepted_connections_inherit_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        no_delay(listener)
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

"""A client whose last bytes and whose end come with one event: all of it is understood then, for no other follows.

Found by the 10,000 sessions of test_sessions_end.py.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

import pytest
import trio

from tests.engine.support import Wire, ask, backend, config, hello, outcomes, proxy, until

if TYPE_CHECKING:
    from proxy.serve.server import Server

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
HALF = bytes(50_000)  # more than one read, less than two
HALF_BODIES = {
    "length": HEAD + b"Content-Length: 100000\r\n\r\n" + HALF,
    "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n186a0\r\n" + HALF,
}


def connect(server: Server) -> socket.socket:
    """Blocking, as `leave` is: the proxy runs in this thread and sees nothing until all is over."""
    address = server.addresses["web"][0]
    return socket.create_connection((address.host, address.port))


def leave(sock: socket.socket, data: bytes, *, is_reset: bool) -> None:
    sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
    if is_reset:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@pytest.mark.parametrize("is_reset", [False, True], ids=["closes", "resets"])
@pytest.mark.parametrize("data", HALF_BODIES.values(), ids=HALF_BODIES)
async def test_half_a_body_and_the_end_of_the_client(data: bytes, is_reset: bool) -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server:
        await ask(server)  # so that an idle connection is there: a new one brings events of its own
        leave(connect(server), data, is_reset=is_reset)
        await until(lambda: sum(outcomes(server).values()) == 2)
    assert "request-body-timeout" not in outcomes(server)


async def test_an_end_and_a_reset_of_a_tcp_client() -> None:
    """The backend waits for more than the end of the stream, so that only the reset can end the session."""

    async def patient(wire: Wire) -> None:
        await wire.send(b"welcome")
        await wire.rest()
        await trio.sleep_forever()

    async with backend(patient) as app, proxy(config(app.address, mode="tcp")) as server:
        sock = connect(server)
        await trio.lowlevel.wait_readable(sock)
        sock.recv(100)
        leave(sock, b"bye", is_reset=True)
        await until(lambda: bool(outcomes(server)))
    assert outcomes(server) == {"client-reset": 1}

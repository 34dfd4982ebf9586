"""Connections that are really there."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from proxy.lab.measure.server_ends import ServerEnd, server_ends
from tests.clients.support import short_directory

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["tcp", "dual", "unix", "abstract"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    family = {"tcp": socket.AF_INET, "dual": socket.AF_INET6}.get(request.param, socket.AF_UNIX)
    with short_directory() as directory, socket.socket(family) as sock:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        names = {"unix": f"{directory}/s", "abstract": f"\0rproxy-ends-{os.getpid()}"}
        sock.bind(names.get(request.param) or ("::" if family == socket.AF_INET6 else "127.0.0.1", 0))
        sock.listen()
        yield sock


def connect(listener: socket.socket) -> socket.socket:
    if listener.family == socket.AF_UNIX:
        client = socket.socket(socket.AF_UNIX)
        client.connect(listener.getsockname())
        return client
    return socket.create_connection(("127.0.0.1", listener.getsockname()[1]))


def name_of(client: socket.socket) -> str:
    """As the load generator tells it."""
    if client.family == socket.AF_UNIX:
        return f"inode {os.fstat(client.fileno()).st_ino}"
    host, port = client.getsockname()
    return f"{host}:{port}"


def test_an_accepted_connection_is_told_with_its_client_and_what_has_come_in(listener: socket.socket) -> None:
    with connect(listener) as client:
        server, _ = listener.accept()
        with server:
            for _ in range(3):
                client.send(b"GET / HTTP/1.1\r\n\r\n")
                server.recv(100)
                server.send(b"HTTP/1.1 200 OK\r\n\r\n")
            inode = os.fstat(server.fileno()).st_ino
            segments = None if listener.family == socket.AF_UNIX else 3
            found = server_ends()
            assert found[inode] == ServerEnd(inode, name_of(client), segments)
            assert os.fstat(client.fileno()).st_ino not in found
            assert os.fstat(listener.fileno()).st_ino not in found


def test_what_nobody_has_accepted_is_nobodys(listener: socket.socket) -> None:
    with connect(listener) as client:
        assert name_of(client) not in {end.peer for end in server_ends().values()}

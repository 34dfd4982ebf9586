"""What the kernel tells of sockets that are really there."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from proxy.core.address import TcpAddress, UnixAddress
from proxy.serve.machine.sock_diag import ListeningSocket, listening_sockets
from tests.clients.support import short_directory

if TYPE_CHECKING:
    from collections.abc import Iterator


def tell(sock: socket.socket) -> ListeningSocket:
    inode = os.fstat(sock.fileno()).st_ino
    (found,) = (one for one in listening_sockets() if one.inode == inode)
    return found


@pytest.fixture
def sock() -> Iterator[socket.socket]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(7)
        yield sock


def test_where_whose_and_how_many_may_wait(sock: socket.socket) -> None:
    found = tell(sock)
    assert found.address == TcpAddress("127.0.0.1", sock.getsockname()[1])
    assert found.uid == os.getuid()
    assert (found.waiting, found.backlog) == (0, 7)
    assert not found.takes_ipv4


def test_who_waits_until_accepted(sock: socket.socket) -> None:
    with socket.create_connection(sock.getsockname()), socket.create_connection(sock.getsockname()):
        assert tell(sock).waiting == 2
        sock.accept()[0].close()
        assert tell(sock).waiting == 1


@pytest.mark.parametrize("only_v6", [False, True])
def test_ipv6(only_v6: bool) -> None:
    with socket.socket(socket.AF_INET6) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only_v6)
        sock.bind(("::", 0))
        sock.listen()
        assert tell(sock).address == TcpAddress("::", sock.getsockname()[1])
        assert tell(sock).takes_ipv4 is not only_v6


def test_unix_sockets_by_path_and_abstract() -> None:
    with short_directory() as directory:
        for name in (f"{directory}/s", f"\0rproxy-sock-diag-{os.getpid()}"):
            with socket.socket(socket.AF_UNIX) as sock, socket.socket(socket.AF_UNIX) as client:
                sock.bind(name)
                sock.listen(3)
                client.connect(name)
                found = tell(sock)
                assert found.address == UnixAddress(name.replace("\0", "@"))
                assert (found.waiting, found.backlog) == (1, 3)


def test_what_does_not_listen_is_not_told(sock: socket.socket) -> None:
    with socket.create_connection(sock.getsockname()) as client:
        assert os.fstat(client.fileno()).st_ino not in {one.inode for one in listening_sockets()}

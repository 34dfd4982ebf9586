"""The kernel's tables of one port, beside sockets that we made ourselves."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack

from proxy.serve.port_sockets import listening_for, sockets_of_port


def inode(sock: socket.socket) -> int:
    return os.fstat(sock.fileno()).st_ino


def listener(host: str = "127.0.0.1", port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((host, port))
    sock.listen()
    return sock


def test_who_listens_who_waits_and_who_is_connected() -> None:
    with listener() as first:
        port = first.getsockname()[1]
        with listener(port=port) as second, ExitStack() as stack:
            found = sockets_of_port(port)
            assert {(each.is_listening, each.host, each.inode, each.waiting) for each in found} == {
                (True, "127.0.0.1", inode(first), 0), (True, "127.0.0.1", inode(second), 0),
            }  # fmt: skip
            clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(8)]
            waiting = {each.inode: each.waiting for each in sockets_of_port(port) if each.is_listening}
            assert sum(waiting.values()) == 8
            busy = first if waiting[inode(first)] else second
            server, address = busy.accept()
            stack.callback(server.close)
            connected = {each.peer: each.inode for each in sockets_of_port(port) if not each.is_listening}
            assert connected.keys() == {client.getsockname() for client in clients}
            assert connected.pop(address) == inode(server)
            assert set(connected.values()) == {0}


def test_other_ports_are_left_out() -> None:
    with listener() as sock, listener():
        assert len(sockets_of_port(sock.getsockname()[1])) == 1


def test_the_most_exact_address_is_who_is_met() -> None:
    with listener("0.0.0.0") as wide:
        port = wide.getsockname()[1]
        assert [each.inode for each in listening_for(sockets_of_port(port), "127.0.0.1")] == [inode(wide)]
        with listener(port=port) as exact:
            assert [each.inode for each in listening_for(sockets_of_port(port), "127.0.0.1")] == [inode(exact)]
            assert [each.inode for each in listening_for(sockets_of_port(port), "127.0.0.2")] == [inode(wide)]


def test_ipv6_that_takes_ipv4_too() -> None:
    with listener("::", family=socket.AF_INET6) as sock:
        port = sock.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            found = sockets_of_port(port)
            assert [each.inode for each in listening_for(found, "127.0.0.1")] == [inode(sock)]
            assert client.getsockname() in {each.peer for each in found}
        assert listening_for([], "127.0.0.1") == []

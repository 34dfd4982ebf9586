"""The kernel's tables of one port, beside sockets that we made ourselves."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack

from proxy.serve.machine.port_sockets import connected_to, inode_of, listening_for, listening_on


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
        address = first.getsockname()
        port = address[1]
        with listener(port=port) as second, ExitStack() as stack:
            assert {(each.host, each.inode, each.waiting) for each in listening_on(port)} == {
                ("127.0.0.1", inode(first), 0), ("127.0.0.1", inode(second), 0),
            }  # fmt: skip
            clients = [stack.enter_context(socket.create_connection(address)) for _ in range(8)]
            waiting = {each.inode: each.waiting for each in listening_on(port)}
            assert sum(waiting.values()) == 8
            busy = first if waiting[inode(first)] else second
            server, client = busy.accept()
            stack.callback(server.close)
            assert {name: inode_of(address, name) for name in (one.getsockname() for one in clients)} == {
                one.getsockname(): inode(server) if one.getsockname() == client else 0 for one in clients
            }
            found = [each.inode for each in connected_to(port, socket.AF_INET)]
            assert sorted(found) == [*[0] * 7, inode(server)]


def test_a_connection_that_is_not_there_has_no_inode() -> None:
    with listener() as sock:
        assert inode_of(sock.getsockname(), ("127.0.0.1", 1)) == 0
    assert inode_of(("127.0.0.1", 1), ("127.0.0.1", 2)) == 0
    assert inode_of(("::1", 1), ("::1", 2)) == 0


def test_other_ports_are_left_out() -> None:
    with listener() as sock, listener():
        assert len(listening_on(sock.getsockname()[1])) == 1


def test_the_most_exact_address_is_who_is_met() -> None:
    with listener("0.0.0.0") as wide:
        port = wide.getsockname()[1]
        assert [each.inode for each in listening_for(listening_on(port), "127.0.0.1")] == [inode(wide)]
        with listener(port=port) as exact:
            assert [each.inode for each in listening_for(listening_on(port), "127.0.0.1")] == [inode(exact)]
            assert [each.inode for each in listening_for(listening_on(port), "127.0.0.2")] == [inode(wide)]


def test_ipv6_that_takes_ipv4_too() -> None:
    with listener("::", family=socket.AF_INET6) as sock:
        port = sock.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client, socket.create_connection(("::1", port)) as other:
            servers = [sock.accept()[0] for _ in range(2)]
            assert [each.inode for each in listening_for(listening_on(port), "127.0.0.1")] == [inode(sock)]
            assert inode_of(("127.0.0.1", port), client.getsockname()) == inode(servers[0])
            assert inode_of(("::1", port), other.getsockname()[:2]) == inode(servers[1])
            assert {each.inode for each in connected_to(port, socket.AF_INET6)} == set(map(inode, servers))
            for server in servers:
                server.close()
        assert listening_for([], "127.0.0.1") == []

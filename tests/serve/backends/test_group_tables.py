"""Who holds the sockets of a group, and whose a connection is."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from proxy.serve.backends.group_tables import COUNT_EACH, GroupTables
from proxy.serve.machine.processes import sockets_held_by
from tests.processes import connect, free_port, request, start_backend, wait_until

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the tables of Linux"),
    pytest.mark.slow,
]


def test_members_their_connections_and_who_has_one() -> None:
    port = free_port()
    address = f"127.0.0.1:{port}"
    with (
        start_backend("hello", "--reuseport", listen=address) as first,
        start_backend("hello", "--reuseport", listen=address) as second,
    ):
        tables = GroupTables("127.0.0.1", port)
        wait_until(lambda: len(tables.look()) == 2)
        members = {member.pid: member for member in tables.look()}
        assert members.keys() == {first.process.pid, second.process.pid}
        assert {member.connections for member in members.values()} == {0}
        with connect(address) as client:
            wait_until(lambda: tables.acceptor_of(client.getsockname()) is not None)
            acceptor = tables.acceptor_of(client.getsockname())
            counted = [{member.inode: member.connections for member in tables.look()} for _ in range(COUNT_EACH)][-1]
            assert {inode for inode, connections in counted.items() if connections} == {acceptor}
        second.process.kill()
        second.process.wait()
        wait_until(lambda: [member.pid for member in tables.look()] == [first.process.pid])
        assert request(address).status == 200


def test_a_connection_that_nobody_accepted_is_nobodys() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        tables = GroupTables(*sock.getsockname())
        with connect(f"127.0.0.1:{sock.getsockname()[1]}") as client:
            (member,) = tables.look()
            assert (member.pid, member.waiting) == (os.getpid(), 1)
            assert tables.acceptor_of(client.getsockname()) is None


def test_a_process_that_is_gone_holds_nothing() -> None:
    assert sockets_held_by(2**22 + 1) == set()


def test_nobody_listens_there() -> None:
    assert GroupTables("127.0.0.1", free_port()).look() == []

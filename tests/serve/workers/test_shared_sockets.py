from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config import Config, Frontend, Respond
from proxy.core.listening import compare
from proxy.serve.listeners import ListenError, Listeners, close_bound, share_of
from proxy.serve.workers.shared_sockets import SharedSockets
from tests.processes import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.core.address import Address


def config(*listen: Address) -> Config:
    return Config(frontends={"web": Frontend(name="web", listen=listen, respond=Respond(status=200))})


def test_each_worker_gets_a_socket_of_a_new_port_and_all_the_same_of_a_path(tmp_path: Path) -> None:
    port, path = TcpAddress("127.0.0.1", free_port()), UnixAddress(str(tmp_path / "web.sock"))
    old, new = config(TcpAddress("127.0.0.1", 0)), config(port, path)
    listeners = Listeners.bind(old, count=2)
    sockets = SharedSockets(listeners, 2)
    gone = [bound.sock for bound in listeners.bound]
    change = compare(old, new)
    opened = sockets.open(change, new)
    first, second = (share_of(opened, number, 2) for number in (1, 2))
    assert [len(first), len(second)] == [2, 2]
    assert len({bound.sock for bound in (*first, *second)}) == 3
    sockets.take(change, opened)
    assert listeners.bound == opened
    assert all(sock.fileno() < 0 for sock in gone)
    sockets.take(compare(new, config(port)), [])
    assert not (tmp_path / "web.sock").exists()
    assert [bound.address for bound in listeners.bound] == [port, port]
    listeners.close()


def test_a_port_that_strangers_have_is_none_for_workers() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as stranger:
        taken = TcpAddress(*stranger.getsockname())
        old, new = config(TcpAddress("127.0.0.1", 0)), config(TcpAddress("127.0.0.1", 0), taken)
        listeners = Listeners.bind(old, count=2)
        with pytest.raises(ListenError):
            close_bound(SharedSockets(listeners, 2).open(compare(old, new), new))
        listeners.close()

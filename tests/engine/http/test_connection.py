"""A kept-alive connection to a backend, while it is idle; lent out it belongs to its exchange."""

from __future__ import annotations

import select
import socket
from typing import TYPE_CHECKING

import pytest

from proxy.core.address import TcpAddress
from proxy.core.client.peer import Peer
from proxy.engine.backend import LiveBackend
from proxy.engine.http.connection import BackendConnection
from proxy.engine.reactor import HANG_UP, WRITABLE, Reactor

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def idle() -> Iterator[BackendConnection]:
    reactor = Reactor()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        backend = LiveBackend(TcpAddress(*listening.getsockname()))
        connection = BackendConnection(reactor, backend, Peer())
        connection.register(for_writing=False)
        backend.keep(connection, 1.0)
        yield connection
        if connection.sock.fileno() >= 0:
            connection.close()
    reactor.close_all()


@pytest.mark.parametrize("mask", [select.EPOLLIN, select.EPOLLRDHUP, HANG_UP])
def test_what_happens_to_an_idle_connection_is_its_end(idle: BackendConnection, mask: int) -> None:
    """The backend closed it, or sent what nobody asked for."""
    idle.on_event(mask)
    assert idle.backend.idle == []
    assert idle.sock.fileno() == -1


@pytest.mark.parametrize("mask", [0, WRITABLE])
def test_events_that_say_nothing_are_borne(idle: BackendConnection, mask: int) -> None:
    idle.on_event(mask)
    assert idle.backend.idle == [idle]


def test_defect_while_idle_ends_it_and_it_is_not_lent_again(idle: BackendConnection) -> None:
    idle.crashed(RuntimeError())
    assert idle.backend.take_idle() is None
    assert idle.sock.fileno() == -1
    idle.crashed(RuntimeError())  # and once more, when it is on no list

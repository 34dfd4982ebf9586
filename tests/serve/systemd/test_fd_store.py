"""What the manager is told to keep, and to forget, as listeners come and go."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from proxy.core.address import TcpAddress
from proxy.serve.listeners import Bound, Listeners
from proxy.serve.systemd.fd_store import FdStore, frontend_of, stored_name
from proxy.serve.systemd.notify import Notifier
from tests.clients.support import short_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Said = tuple[str, str, int]  # what, the name, how many descriptors


class Heard:
    """The manager's end."""

    def __init__(self, path: str) -> None:
        self.notifier = Notifier(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.setblocking(False)

    def __call__(self) -> list[Said]:
        """Everything since the last call."""
        said = []
        while True:
            try:
                message, descriptors, _, _ = socket.recv_fds(self.socket, 4096, 100)
            except BlockingIOError:
                return said
            for descriptor in descriptors:
                os.close(descriptor)
            what, name = message.decode().split("\n")
            said.append((what, name.removeprefix("FDNAME="), len(descriptors)))


@pytest.fixture
def heard() -> Iterator[Heard]:
    with short_directory() as directory:
        heard = Heard(f"{directory}/notify")
        with heard.socket:
            yield heard


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    yield sockets
    for sock in sockets:
        sock.close()


def listeners(*bound: tuple[str, socket.socket], of_unit: Sequence[socket.socket] = ()) -> Listeners:
    listeners = Listeners(Bound(name, TcpAddress("127.0.0.1", 0), sock) for name, sock in bound)
    listeners.of_unit.update(of_unit)
    return listeners


def test_listeners_are_kept_under_the_names_of_their_frontends(heard: Heard, sockets: list[socket.socket]) -> None:
    a, b, c = sockets
    kept = listeners(("web", a), ("web", b), ("api", c))
    FdStore(heard.notifier).keep(kept)
    assert heard() == [("FDSTORE=1", "stored/web", 2), ("FDSTORE=1", "stored/api", 1)]
    assert kept.shared == {a, b, c}


def test_what_did_not_change_is_not_said_again(heard: Heard, sockets: list[socket.socket]) -> None:
    a, b, _ = sockets
    store = FdStore(heard.notifier)
    store.keep(listeners(("web", a)))
    heard()
    store.keep(listeners(("web", a), ("api", b)))
    assert heard() == [("FDSTORE=1", "stored/api", 1)]


def test_what_is_gone_is_forgotten_and_its_neighbours_stay(heard: Heard, sockets: list[socket.socket]) -> None:
    a, b, c = sockets
    store = FdStore(heard.notifier)
    store.keep(listeners(("web", a), ("web", b), ("api", c)))
    heard()
    store.keep(listeners(("web", b)))
    forgotten = [("FDSTOREREMOVE=1", "stored/web", 0), ("FDSTOREREMOVE=1", "stored/api", 0)]
    assert heard() == [*forgotten, ("FDSTORE=1", "stored/web", 1)]


def test_a_socket_unit_keeps_its_own(heard: Heard, sockets: list[socket.socket]) -> None:
    FdStore(heard.notifier).keep(listeners(("web", sockets[0]), of_unit=sockets))
    assert heard() == []


def test_what_came_from_the_store_and_is_not_used_is_forgotten(heard: Heard, sockets: list[socket.socket]) -> None:
    a, b, c = sockets
    FdStore(heard.notifier, [("web", a), ("old", b)]).keep(listeners(("web", a), ("web", c), of_unit=[c]))
    assert heard() == [("FDSTOREREMOVE=1", "stored/old", 0)]


def test_without_a_manager_paths_are_ours(sockets: list[socket.socket]) -> None:
    kept = listeners(("web", sockets[0]))
    FdStore(Notifier()).keep(kept)
    assert not kept.shared


@pytest.mark.parametrize("frontend", ["web", "a:b c", "zwölf", "100%"])
def test_every_name_of_a_frontend_becomes_one_that_systemd_takes(frontend: str) -> None:
    name = stored_name(frontend)
    assert name.isascii()
    assert ":" not in name
    assert frontend_of(name) == frontend


def test_names() -> None:
    assert len(stored_name("x" * 300)) == 255
    assert frontend_of("web") is None

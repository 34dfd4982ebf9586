"""The life of a program as its manager hears it. tests/systemd/ has the real one."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from proxy.core.address import TcpAddress
from proxy.core.config import Config
from proxy.serve.control.controller import Controller
from proxy.serve.listeners import Bound, Listeners
from proxy.serve.systemd.manager import ServiceManager
from tests.clients.support import short_directory

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with short_directory() as directory, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"{directory}/notify")
        sock.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", f"{directory}/notify")
        monkeypatch.setenv("WATCHDOG_USEC", "30000000")
        yield sock


def test_a_life(heard: socket.socket) -> None:
    manager = ServiceManager()
    manager.serving(Listeners(), "serving")
    manager.stopping(30, "finishing")
    assert heard.recv(1000) == b"READY=1\nSTATUS=serving"
    assert heard.recv(1000) == b"STOPPING=1\nEXTEND_TIMEOUT_USEC=40000000\nSTATUS=finishing"


async def test_the_watchdog_is_fed_while_the_data_plane_moves(
    heard: socket.socket, autojump_clock: trio.testing.MockClock
) -> None:
    manager = ServiceManager()
    stuck = trio.Event()

    async def moved() -> None:
        if trio.current_time() > 25:
            await stuck.wait()
        await trio.lowlevel.checkpoint()

    with trio.move_on_after(1000):
        await manager.feed_watchdog(moved)
    for _ in range(3):  # at 0, 10 and 20 s
        assert heard.recv(100) == b"WATCHDOG=1"
    with pytest.raises(BlockingIOError):
        heard.recv(100)


async def test_the_store_has_what_is_listened_on_after_each_reload(heard: socket.socket) -> None:
    manager, controller = ServiceManager(), Controller(Config(frontends={}))
    with socket.create_server(("127.0.0.1", 0)) as sock:
        listeners = Listeners()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(manager.follow, controller, listeners)
            await trio.testing.wait_all_tasks_blocked()
            listeners.bound.append(Bound("web", TcpAddress("127.0.0.1", 0), sock))
            controller.succeed(controller.config, {})
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
    assert heard.recv(1000) == b"FDSTORE=1\nFDNAME=stored/web"


async def test_nobody_asks_for_a_watchdog() -> None:
    async def moved() -> None:
        raise AssertionError("nobody wants to know")

    await ServiceManager().feed_watchdog(moved)

"""The life of a program as its manager hears it. tests/systemd/ has the real one."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from proxy.serve.listeners import Listeners
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


async def test_nobody_asks_for_a_watchdog() -> None:
    async def moved() -> None:
        raise AssertionError("nobody wants to know")

    await ServiceManager().feed_watchdog(moved)

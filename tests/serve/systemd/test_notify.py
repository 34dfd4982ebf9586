"""What reaches the manager's socket, word for word; and that nothing happens without one."""

from __future__ import annotations

import logging
import os
import socket
import time
from typing import TYPE_CHECKING

import pytest

from proxy.serve.systemd.notify import MAX_DESCRIPTORS, Notifier, from_environment, to_environment
from tests.clients.support import short_directory

if TYPE_CHECKING:
    from collections.abc import Iterator


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        """The lines of the next message."""
        return self.socket.recv(4096).decode().split("\n")


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest) -> Iterator[Manager]:
    with short_directory() as directory:
        address = f"{directory}/notify" if request.param == "path" else f"@{directory}/notify"
        manager = Manager(address)
        with manager.socket:
            yield manager


def test_the_messages(manager: Manager) -> None:
    notifier = Notifier(manager.address)
    notifier.ready("serving 4\nsessions")
    assert manager.heard() == ["READY=1", "STATUS=serving 4 sessions"]
    notifier.ready()
    assert manager.heard() == ["READY=1"]
    notifier.status("draining")
    assert manager.heard() == ["STATUS=draining"]
    notifier.stopping(1.5, "stopping")
    assert manager.heard() == ["STOPPING=1", "EXTEND_TIMEOUT_USEC=1500000", "STATUS=stopping"]
    notifier.alive()
    assert manager.heard() == ["WATCHDOG=1"]
    notifier.main_pid(42)
    assert manager.heard() == ["MAINPID=42"]
    notifier.forget("stored/web")
    assert manager.heard() == ["FDSTOREREMOVE=1", "FDNAME=stored/web"]


def test_a_reload_carries_the_time_at_which_it_began(manager: Manager) -> None:
    before = time.monotonic_ns() // 1000
    Notifier(manager.address).reloading()
    first, second = manager.heard()
    assert first == "RELOADING=1"
    assert before <= int(second.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000


def test_sockets_go_along_to_be_kept(manager: Manager) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Notifier(manager.address).store("stored/web", [listener, listener])
        message, descriptors, _, _ = socket.recv_fds(manager.socket, 4096, 10)
        assert message == b"FDSTORE=1\nFDNAME=stored/web"
        assert len(descriptors) == 2
        for descriptor in descriptors:
            with socket.socket(fileno=descriptor) as kept:
                assert kept.getsockname() == listener.getsockname()


def test_more_sockets_than_fit_in_a_message_take_several(manager: Manager) -> None:
    with socket.socket() as sock:
        Notifier(manager.address).store("many", [sock] * (MAX_DESCRIPTORS + 1))
    counts = []
    for _ in range(2):
        _, descriptors, _, _ = socket.recv_fds(manager.socket, 4096, MAX_DESCRIPTORS)
        counts.append(len(descriptors))
        for descriptor in descriptors:
            os.close(descriptor)
    assert counts == [MAX_DESCRIPTORS, 1]


def test_without_a_manager_nothing_happens() -> None:
    notifier = from_environment({"WATCHDOG_USEC": "1000000"})
    assert not notifier.is_heard
    assert not notifier.watchdog
    notifier.ready("unheard")
    assert to_environment(notifier) == {}


def test_a_manager_that_is_gone_is_complained_of_once(caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier("/nonexistent/notify")
    notifier.ready()
    notifier.alive()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "/nonexistent/notify" in caplog.text


def test_the_environment_is_read_once_and_not_handed_on(manager: Manager) -> None:
    environ = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid()), "A": "b"}
    notifier = from_environment(environ)
    assert environ == {"A": "b"}
    assert notifier.watchdog == 3.0
    assert to_environment(notifier) == {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "3000000"}
    successor = from_environment(to_environment(notifier))
    assert (successor.address, successor.watchdog) == (manager.address, 3.0)


def test_a_watchdog_of_somebody_else_is_not_ours() -> None:
    assert from_environment({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}).watchdog == 0.0
    assert from_environment({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "soon"}).watchdog == 0.0


def test_a_manager_that_is_no_unix_socket_is_told_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert not from_environment({"NOTIFY_SOCKET": "vsock:2:1234"}).is_heard
    assert "vsock:2:1234" in caplog.text

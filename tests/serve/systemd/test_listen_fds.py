"""Passed descriptors become listening sockets; what does not fit is refused with a word, and nothing is leaked."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

import pytest

from proxy.serve.systemd.listen_fds import passed_sockets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FIRST = 400  # far from what pytest uses


@contextlib.contextmanager
def passed(*descriptors: int, names: Sequence[str] = (), pid: int | None = None) -> Iterator[dict[str, str]]:
    """Copies of them at FIRST and on, and the environment that tells of them."""
    for index, descriptor in enumerate(descriptors):
        os.dup2(descriptor, FIRST + index, inheritable=True)
    environ = {"LISTEN_FDS": str(len(descriptors)), "LISTEN_PID": str(pid or os.getpid())}
    if names:
        environ["LISTEN_FDNAMES"] = ":".join(names)
    try:
        yield environ
    finally:
        for index in range(len(descriptors)):
            with contextlib.suppress(OSError):
                os.close(FIRST + index)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


def test_sockets_come_in_order_with_their_names(listener: socket.socket) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        passed(listener.fileno(), other.fileno(), names=["web", "admin"]) as environ,
    ):
        found = passed_sockets(environ, FIRST)
        assert [(one.name, one.socket.getsockname()) for one in found] == [
            ("web", listener.getsockname()), ("admin", other.getsockname()),
        ]  # fmt: skip
        for one in found:
            assert not one.socket.get_inheritable()
            assert not one.socket.getblocking()
            one.socket.close()
        assert environ == {}


def test_without_names_they_are_unknown(listener: socket.socket) -> None:
    with passed(listener.fileno()) as environ:
        (found,) = passed_sockets(environ, FIRST)
        assert found.name == "unknown"
        found.socket.close()


def test_what_is_meant_for_another_process_is_left_alone(listener: socket.socket) -> None:
    with passed(listener.fileno(), pid=1) as environ:
        assert passed_sockets(environ, FIRST) == []
        assert environ == {}
        assert is_open(FIRST)


def test_nothing_was_passed() -> None:
    assert passed_sockets({}) == []


def test_what_does_not_listen_is_closed_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    ours, theirs = socket.socketpair()
    reading, writing = os.pipe()
    with ours, theirs, passed(ours.fileno(), reading, names=["pair", "pipe"]) as environ:
        assert passed_sockets(environ, FIRST) == []
        assert not is_open(FIRST)
        assert not is_open(FIRST + 1)
    os.close(reading)
    os.close(writing)
    assert "as pair is not used: it does not listen" in caplog.text
    assert "as pipe is not used: it is no socket" in caplog.text


def test_a_number_without_a_descriptor_is_no_end(caplog: pytest.LogCaptureFixture) -> None:
    with passed() as environ:
        environ["LISTEN_FDS"] = "1"
        assert passed_sockets(environ, FIRST) == []
    assert f"descriptor {FIRST} " in caplog.text

"""Who listens, and who waits for clients."""

from __future__ import annotations

import os
import select
import socket

from proxy.lab.models.systemd.listening import holds_listener, waits_for_clients


def test_a_listener_is_held_and_then_waited_for() -> None:
    with socket.socket() as sock, select.epoll() as epoll:
        sock.bind(("127.0.0.1", 0))
        address = "127.0.0.1:{1}".format(*sock.getsockname())
        assert not holds_listener(os.getpid(), address)
        sock.listen()
        assert holds_listener(os.getpid(), address)
        assert not waits_for_clients(os.getpid(), address)
        epoll.register(sock, select.EPOLLIN)
        assert waits_for_clients(os.getpid(), address)
        assert not holds_listener(os.getpid(), "127.0.0.1:1")


def test_one_that_has_ended_does_neither() -> None:
    assert not holds_listener(2**22, "127.0.0.1:80")
    assert not waits_for_clients(2**22, "127.0.0.1:80")

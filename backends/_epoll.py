"""`hello` in a worker of a shared listening socket: asyncio waits with epoll, and accepts until the queue is empty."""

from __future__ import annotations

import asyncio
import os
import select
import selectors
from functools import partial
from typing import TYPE_CHECKING, Any

from backends.hello import application, arguments

if TYPE_CHECKING:
    import socket
    from argparse import Namespace


def serve(sock: socket.socket, name: str) -> None:
    """Level-triggered, as asyncio has it: a connection wakes every worker that waits, and one of them gets it."""
    _serve(sock, name, None)


def serve_exclusively(sock: socket.socket, name: str) -> None:
    """The kernel wakes one that waits, not all."""
    _serve(sock, name, ExclusiveSelector(sock.fileno()))


def _serve(sock: socket.socket, name: str, selector: selectors.BaseSelector | None) -> None:
    options: Namespace = arguments("prefork").parse_args(["--name", name])
    with asyncio.Runner(loop_factory=partial(asyncio.SelectorEventLoop, selector)) as runner:
        runner.run(application(options, sock).server.serve(sock))


class ExclusiveSelector(selectors.EpollSelector):
    """One descriptor waits with EPOLLEXCLUSIVE (epoll_ctl(2)), which is set when it is added or never."""

    def __init__(self, listener: int) -> None:
        super().__init__()
        self._listener = listener

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        if key.fd == self._listener:
            with select.epoll.fromfd(os.dup(self.fileno())) as epoll:
                epoll.unregister(key.fd)
                epoll.register(key.fd, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        return key

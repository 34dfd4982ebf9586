"""How a worker of a shared listening socket waits for its next connection. Each way is the whole server of a worker."""

from __future__ import annotations

import contextlib
import signal
import struct
from socket import SO_RCVTIMEO, SOL_SOCKET
from typing import TYPE_CHECKING

from backends._tiny import answer_with_pid

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from types import FrameType

    Serve = Callable[[socket.socket, str], None]

LOOK = 100_000  # microseconds between looks whether to end
WAYS = ("blocking", "epoll", "epoll-exclusive", "trio")


def find_way(name: str) -> Serve:
    """What it needs is imported before the fork: once, and no worker starts slowly. The server returns after SIGTERM,
    when it has answered what it had begun to."""
    if name == "trio":
        from backends._trio_http import serve

        return serve
    if name == "blocking":
        return _Blocking().serve
    from backends import _epoll

    return _epoll.serve if name == "epoll" else _epoll.serve_exclusively


class _Blocking:
    """In accept, where the kernel wakes one process per connection, and those that wait in turn. A connection is
    closed after its answer: kept alive it would have the whole process."""

    def __init__(self) -> None:
        self._is_ending = False

    def serve(self, sock: socket.socket, name: str) -> None:
        sock.setblocking(True)
        # The kernel's own timeout: an exception out of a signal handler could come when accept has just returned, and
        # with it a connection would be lost.
        sock.setsockopt(SOL_SOCKET, SO_RCVTIMEO, struct.pack("ll", 0, LOOK))
        signal.signal(signal.SIGTERM, self._end)
        while not self._is_ending:
            try:
                connection, _ = sock.accept()
            except BlockingIOError:
                continue
            connection.setsockopt(SOL_SOCKET, SO_RCVTIMEO, struct.pack("ll", 0, 0))  # inherited
            with connection, connection.makefile("rwb") as stream, contextlib.suppress(OSError, ValueError):
                answer_with_pid(stream, stream, name)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._is_ending = True

"""Listening sockets that were passed to us at start: by a socket unit, or from the fd store (sd_listen_fds(3))."""

from __future__ import annotations

import logging
import os
import socket
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

log = logging.getLogger("rproxy.systemd")

FIRST = 3  # SD_LISTEN_FDS_START
_UNNAMED = "unknown"  # what systemd calls a descriptor without FileDescriptorName=


@dataclass(frozen=True, slots=True)
class Passed:
    """name: FileDescriptorName= of the socket unit, by default the unit's own name; or FDNAME= of the store.

    socket: listening and non-blocking; whoever has the record closes it.
    """

    name: str
    socket: socket.socket


def passed_sockets(environ: MutableMapping[str, str] | None = None, first: int = FIRST) -> list[Passed]:
    """In the order of the unit; none if there are none for us. The variables are taken out of the environment, and no
    process that we start inherits the sockets. What does not listen is closed, with a warning.

    first: the number of the first descriptor.
    """
    environ = os.environ if environ is None else environ
    count, pid, names = (environ.pop(name, "") for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"))
    environ.pop("LISTEN_PIDFDID", None)  # systemd 258
    if pid != str(os.getpid()) or not count.isdigit():  # meant for a parent that left its variables to us
        return []
    named = names.split(":") if names else []
    named += [_UNNAMED] * (int(count) - len(named))
    return [Passed(name, sock) for fd, name in zip(range(first, first + int(count)), named, strict=False)
            if (sock := _taken(fd, name)) is not None]  # fmt: skip


def _taken(fd: int, name: str) -> socket.socket | None:
    """The listening socket behind a descriptor that is ours from now on."""
    try:
        os.set_inheritable(fd, False)
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            raise OSError("it is no socket")
        sock = socket.socket(fileno=fd)
    except OSError as error:
        log.warning("the descriptor %d that was passed as %s is not used: %s", fd, name, error)
        _close(fd)
        return None
    if sock.type == socket.SOCK_STREAM and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        sock.setblocking(False)
        return sock
    log.warning("the socket that was passed as %s is not used: it does not listen (Accept=no, ListenStream=)", name)
    sock.close()
    return None


def _close(fd: int) -> None:
    try:
        os.close(fd)
    except OSError:
        pass  # it was never there

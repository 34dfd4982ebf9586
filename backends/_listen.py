"""A listening socket from `127.0.0.1:9001`, `unix:/run/a.sock` or `unix:@abstract`, and no socket file left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import sys
from typing import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

BACKLOG = 4096  # the kernel lowers it to net.core.somaxconn


class Address(NamedTuple):
    family: socket.AddressFamily
    sockaddr: str | tuple[str, int]


def parse(text: str) -> Address:
    """Raises ValueError for what is no address. Names are resolved by `bind`."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        return Address(socket.AF_UNIX, "\0" + path[1:] if path.startswith("@") else path)
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit():
        raise ValueError(f"{text!r} is not an address: write host:port, unix:/path or unix:@name")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    return Address(family, (host.strip("[]"), int(port)))


def listen(text: str, *, reuseport: bool = False) -> socket.socket:
    """A blocking, listening socket. A stale Unix socket file is replaced; a live one raises OSError (EADDRINUSE)."""
    address = parse(text)
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        _bind(sock, address, reuseport)
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def _bind(sock: socket.socket, address: Address, reuseport: bool) -> None:
    if address.family != socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets inherit it. asyncio does not set it for them, and an answer in two parts would wait 40 ms.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if reuseport:  # before bind: a group is formed there
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    elif isinstance(address.sockaddr, str) and _is_stale(address.sockaddr):
        os.unlink(address.sockaddr)
    sock.bind(address.sockaddr)


def _is_stale(path: str) -> bool:
    """Whether nobody listens on the socket file. A plain file refuses connections too, and is never ours to delete."""
    if path.startswith("\0") or not os.path.exists(path) or not stat.S_ISSOCK(os.stat(path).st_mode):
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)  # a full backlog answers EAGAIN: alive, and no reason to wait
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
        except BlockingIOError:
            return False
    return False


@contextlib.contextmanager
def listening(text: str, *, reuseport: bool = False) -> Iterator[socket.socket]:
    """`listen`, and at the end the socket is closed and its file removed."""
    with listen(text, reuseport=reuseport) as sock:
        name = sock.getsockname()
        path = name if isinstance(name, str) and name else None
        identity = _identity(path)
        try:
            yield sock
        finally:
            if path and identity == _identity(path):
                os.unlink(path)


def inherited(number: int) -> socket.socket:
    """The listening socket that somebody passed on as that descriptor. SystemExit when it is none."""
    try:
        sock = socket.socket(fileno=number)
    except OSError as error:
        raise SystemExit(f"descriptor {number}: {error.strerror}") from None
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise SystemExit(f"descriptor {number} does not listen")
    os.set_inheritable(number, False)
    return sock


def _identity(path: str | None) -> tuple[int, int] | None:
    """Tells our file from one that a successor has put in its place while we were finishing."""
    with contextlib.suppress(OSError, TypeError):
        found = os.stat(path or "")
        return found.st_ino, found.st_mtime_ns  # the number alone may be given out again at once
    return None


def address_of(sock: socket.socket) -> str:
    """The bound address in the form that `parse` takes."""
    name = sock.getsockname()
    if isinstance(name, bytes):
        return "unix:@" + name[1:].decode()
    if isinstance(name, str):
        return "unix:" + name
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def announce(program: str, sock: socket.socket) -> None:
    """Says where we listen, so that port 0 can be used."""
    print(f"{program} listening on {address_of(sock)}, pid {os.getpid()}", file=sys.stderr, flush=True)


def exit_on_sigterm() -> None:
    """For blocking servers: SIGTERM unwinds the stack, so that `listening` removes its file."""

    def leave(*_: object) -> NoReturn:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)

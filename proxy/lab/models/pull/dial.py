"""A connection to a process on this machine, awaited in Trio."""

from __future__ import annotations

import socket

import trio

from proxy.core.address import UnixAddress, parse_address

READ_SIZE = 65536


class Stream:
    """Like trio.SocketStream, but only what has to wait goes through Trio's scheduler: the checkpoints of two sends
    were a sixth of what a job costs a worker. Both methods raise OSError."""

    def __init__(self, sock: socket.socket) -> None:
        """Takes a connected, non-blocking socket over."""
        self._sock = sock

    def fileno(self) -> int:
        return self._sock.fileno()

    async def send(self, data: bytes) -> None:
        """All of it, most times without a wait. When it is cancelled, some may be sent."""
        while data:
            try:
                data = data[self._sock.send(data) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._sock)

    async def receive(self) -> bytes:
        """What has come, b"" for the end. When it is cancelled, nothing is lost."""
        while True:
            await trio.lowlevel.wait_readable(self._sock)
            try:
                return self._sock.recv(READ_SIZE)
            except BlockingIOError:
                pass  # it was not for us

    def close(self) -> None:
        trio.lowlevel.notify_closing(self._sock)
        self._sock.close()


async def dial(address: str) -> Stream:
    """Raises AddressError, OSError."""
    where = parse_address(address)
    target: str | tuple[str, int]
    if isinstance(where, UnixAddress):
        family, target = socket.AF_UNIX, where.sockaddr
    else:
        family, target = socket.AF_INET6 if ":" in where.host else socket.AF_INET, (where.host, where.port)
    with trio.socket.socket(family, socket.SOCK_STREAM) as sock:
        if family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await sock.connect(target)
        return Stream(socket.socket(family, socket.SOCK_STREAM, fileno=sock.detach()))

"""A connection in Trio, to a process on this machine."""

from __future__ import annotations

import trio

from proxy.core.address import UnixAddress, parse_address


async def dial(address: str) -> trio.SocketStream:
    """Raises AddressError, OSError."""
    where = parse_address(address)
    target: str | tuple[str, int]
    if isinstance(where, UnixAddress):
        family, target = trio.socket.AF_UNIX, where.sockaddr
    else:
        family = trio.socket.AF_INET6 if ":" in where.host else trio.socket.AF_INET
        target = where.host, where.port
    sock = trio.socket.socket(family, trio.socket.SOCK_STREAM)
    try:
        await sock.connect(target)
        return trio.SocketStream(sock)
    except BaseException:
        sock.close()
        raise

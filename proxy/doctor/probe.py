"""Asks every backend once: does it accept, and how long does it keep an idle connection?"""

from __future__ import annotations

import errno
import math
import os
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import trio

from proxy import __version__
from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.keep_alive import timeout_of

if TYPE_CHECKING:
    from proxy.core.address import Address
    from proxy.core.config import Config, Pool

CONNECT = 2.0  # seconds; a backend that takes longer to accept is as good as down
WATCH = 6.0  # seconds an idle connection is watched: gunicorn closes after 2, uvicorn, hypercorn and Node.js after 5
_KEEP_ALIVE = re.compile(rb"\r\nkeep-alive[ \t]*:([^\r\n]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Probe:
    """error: an errno, 0 where the connect worked. answered: whether something came back within WATCH.

    told: the seconds of its Keep-Alive field, inf without. closed_after: the idle seconds after which it closed the
    connection, 0 if it did so with its answer, inf if it never did while we watched.
    """

    error: int = 0
    answered: bool = False
    told: float = math.inf
    closed_after: float = math.inf


async def probe_all(config: Config, *, asks: bool, watch: float = WATCH) -> dict[str, Probe]:
    """By address as text, all at once, which takes CONNECT and twice `watch` at most. asks: send a request to those of
    http pools without TLS; without it nothing is sent to anybody."""
    found: dict[str, Probe] = {}

    async def one(address: Address, pool: Pool, head: bytes) -> None:
        found[str(address)] = await probe(address, head, watch)

    http = {name for frontend in config.frontends.values() if frontend.mode == "http" for name in frontend.pool_names}
    async with trio.open_nursery() as nursery:
        for name, pool in config.pools.items():
            is_asked = asks and name in http and pool.tls is None and pool.proxy_protocol is None
            for backend in pool.backends:
                nursery.start_soon(one, backend.address, pool, _head(backend.address, pool) if is_asked else b"")
    return found


def _head(address: Address, pool: Pool) -> bytes:
    """Of what its health check asks for, or of its front page."""
    path = pool.health_check.path if pool.health_check and pool.health_check.path else "/"
    host = str(address) if isinstance(address, TcpAddress) else "localhost"
    return f"HEAD {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: rproxy-doctor/{__version__}\r\n\r\n".encode()


async def probe(address: Address, head: bytes = b"", watch: float = WATCH) -> Probe:
    """head: a request to send, of a method whose answer has no body; empty for none."""
    try:
        with trio.fail_after(CONNECT):
            stream = await _connect(address)
    except trio.TooSlowError:
        return Probe(errno.ETIMEDOUT)
    except OSError as error:
        return Probe(error.errno or errno.EHOSTUNREACH)
    async with stream:
        try:
            return await _watched(stream, head, watch) if head else Probe()
        except trio.BrokenResourceError:
            return Probe(answered=False, closed_after=0.0)


async def _connect(address: Address) -> trio.SocketStream:
    """To the first of a name's addresses that accepts. Raises OSError: the last one's error; of a Unix socket whose
    queue is full EAGAIN, at once."""
    if isinstance(address, UnixAddress):
        return await _connect_one(socket.AF_UNIX, address.sockaddr)
    found = await trio.socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    for family, _, _, _, sockaddr in found[:-1]:
        try:
            return await _connect_one(family, sockaddr)
        except OSError:
            continue
    return await _connect_one(found[-1][0], found[-1][4])


async def _connect_one(family: int, sockaddr: Any) -> trio.SocketStream:
    sock = trio.socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_UNIX:
            await trio.lowlevel.checkpoint()
            connect_unix(sock.fileno(), sockaddr)
        else:
            await sock.connect(sockaddr)
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)


def connect_unix(descriptor: int, sockaddr: Any) -> None:
    """Trio takes EAGAIN for "in progress" and finds no error later: the queue is full, nothing is on its way."""
    with socket.socket(fileno=os.dup(descriptor)) as sock:
        sock.setblocking(False)
        sock.connect(sockaddr)


async def _watched(stream: trio.SocketStream, head: bytes, watch: float) -> Probe:
    await stream.send_all(head)
    answer = b""
    with trio.move_on_after(watch):
        while b"\r\n\r\n" not in answer:
            data = await stream.receive_some(65536)
            if not data:
                return Probe(answered=bool(answer), closed_after=0.0)
            answer += data
    if b"\r\n\r\n" not in answer:
        return Probe()
    field = _KEEP_ALIVE.search(answer)
    told = timeout_of(field[1]) if field else math.inf
    since = trio.current_time()
    with trio.move_on_after(watch):
        while await stream.receive_some(65536):
            pass  # a body that HEAD forbids
        return Probe(0, True, told, trio.current_time() - since)
    return Probe(0, True, told)

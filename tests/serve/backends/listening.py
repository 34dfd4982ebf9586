"""Servers that probes meet."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from proxy.core.address import TcpAddress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Handler = Callable[[trio.SocketStream], Awaitable[None]]


def answering(status: bytes, body: bytes = b"", *, heard: list[bytes] | None = None) -> Handler:
    """heard: takes the requests."""

    async def handler(stream: trio.SocketStream) -> None:
        data = await stream.receive_some(4096)
        if heard is not None:
            heard.append(bytes(data))
        await stream.send_all(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    return handler


def saying(*pieces: bytes) -> Handler:
    """Each in a packet of its own, whatever is asked; then it closes."""

    async def handler(stream: trio.SocketStream) -> None:
        await stream.receive_some(4096)
        for piece in pieces:
            await stream.send_all(piece)

    return handler


async def silent(stream: trio.SocketStream) -> None:
    await trio.sleep_forever()


@asynccontextmanager
async def listening(handler: Handler, port: int = 0) -> AsyncIterator[TcpAddress]:
    """A server on 127.0.0.1 while the block runs."""
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(_serve_tcp, handler, port)
        yield TcpAddress("127.0.0.1", listeners[0].socket.getsockname()[1])
        nursery.cancel_scope.cancel()


async def _serve_tcp(handler: Handler, port: int, *, task_status: trio.TaskStatus[list[trio.SocketListener]]) -> None:
    await trio.serve_tcp(handler, port, host="127.0.0.1", task_status=task_status)

"""Backends in the program of the test that tell how much they had to do at once."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Busy:
    """A backend that tells how much it had to do at once. It answers after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.now = self.most = self.answers = 0

    async def serve(self, stream: trio.SocketStream) -> None:
        try:
            while await stream.receive_some():
                self.now += 1
                self.most = max(self.most, self.now)
                await trio.sleep(self.seconds)
                self.now -= 1
                self.answers += 1
                await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except trio.BrokenResourceError:
            pass  # the client was cancelled


@asynccontextmanager
async def serving(*backends: Busy) -> AsyncIterator[list[str]]:
    """Where they listen."""
    async with trio.open_nursery() as nursery:
        addresses = []
        for backend in backends:
            (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
            nursery.start_soon(trio.serve_listeners, backend.serve, [listener])
            addresses.append(f"127.0.0.1:{listener.socket.getsockname()[1]}")
        yield addresses
        nursery.cancel_scope.cancel()

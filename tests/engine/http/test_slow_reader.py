"""Clients that read their answers slowly, with as little in the kernel between as it lets us have."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio

from tests.engine.support import GET, Wire, always, backend, config, outcomes, proxy, slots, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proxy.serve.server import Server

pytestmark = pytest.mark.slow

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
LARGE = 16 << 20  # streamed
SMALL = 30_000  # read whole, and then kept by the session alone
ALL_SMALL = 600 * (len(HEAD % SMALL) + SMALL)


@asynccontextmanager
async def narrow_client(server: Server) -> AsyncIterator[Wire]:
    """Its kernel takes in some 4 KiB that nobody has read."""
    address = server.addresses["web"][0]
    sock = trio.socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    await sock.connect((address.host, address.port))  # type: ignore[union-attr]
    wire = Wire(trio.SocketStream(sock))
    try:
        yield wire
    finally:
        wire.close()


async def read(wire: Wire, size: int, pause: float) -> int:
    """As fast as that, until the other side breaks off. How much came."""
    count = 0
    try:
        while data := await wire.stream.receive_some(size):
            count += len(data)
            await trio.sleep(pause)
    except trio.BrokenResourceError:
        pass
    return count


@pytest.mark.parametrize(("answer_size", "requests"), [(LARGE, 1), (SMALL, 600)], ids=["large", "small"])
async def test_client_below_the_rate_is_cut_and_the_slot_is_free(answer_size: int, requests: int) -> None:
    """It takes something in every pause that `timeouts.send` allows, so that this alone would bear it for hours."""
    answer = HEAD % answer_size + b"x" * answer_size
    async with backend(always(answer)) as app:
        settings = config(app.address, timeouts={"send": 0.3}, limits={"send_rate": 1 << 20})
        async with proxy(settings) as server, narrow_client(server) as wire:
            await wire.send(GET * requests)
            assert await read(wire, 2048, 0.02) < answer_size * requests
            await until(lambda: server.active == 0)
            assert outcomes(server)["client-too-slow"] == 1
            assert slots(server) == 0


async def test_client_above_the_rate_goes_on_for_as_long_as_it_takes() -> None:
    """100 KB/s: no event of the socket comes within `timeouts.send`, since a third of its buffer is megabytes."""
    answer = HEAD % LARGE + b"x" * LARGE
    async with backend(always(answer)) as app:
        settings = config(app.address, timeouts={"send": 0.3}, limits={"send_rate": 10_000})
        async with proxy(settings) as server, narrow_client(server) as wire:
            await wire.send(GET)
            with trio.move_on_after(1.2):
                await read(wire, 2048, 0.02)
            assert outcomes(server) == {}
            assert slots(server) == 1


async def test_time_without_anything_to_read_does_not_count() -> None:
    """A client of slow news is not a slow client."""

    async def news(wire: Wire) -> None:
        await wire.request()
        await wire.send(HEAD % 40)
        for _ in range(4):
            await wire.send(b"x" * 10)
            await trio.sleep(0.15)

    async with backend(news) as app:
        settings = config(app.address, timeouts={"send": 0.1}, limits={"send_rate": 1 << 20})
        async with proxy(settings) as server, narrow_client(server) as wire:
            await wire.send(GET)
            assert len((await wire.response())[1]) == 40
            assert outcomes(server) == {"ok": 1}

"""`timeouts.exchange`: the whole of an exchange, whichever side is slow and however busy it looks."""

from __future__ import annotations

import pytest
import trio

from proxy.core.config import Backend
from tests.engine.support import (
    GET,
    Gate,
    Wire,
    ask,
    backend,
    client,
    config,
    echo,
    hello,
    outcomes,
    proxy,
    reason,
    silent,
    slots,
    status,
    until,
)

SHORT = {"exchange": 0.15}
CHUNK = b"5\r\nhello\r\n"


async def drip(wire: Wire, data: bytes) -> None:
    """For as long as the other side takes it: never a pause that would be too long."""
    try:
        while True:
            await wire.send(data)
            await trio.sleep(0.02)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass


async def test_an_answer_in_time_stops_the_clock() -> None:
    async with backend(hello) as app, proxy(config(app.address, timeouts=SHORT)) as server, client(server) as wire:
        for _ in range(3):
            await wire.send(GET)
            assert (await wire.response())[1] == b"ok"
        assert len(server.wheel.members()) == 1  # the session
        assert outcomes(server) == {"ok": 3}


async def test_backend_that_is_waited_for_is_504() -> None:
    async with backend(silent) as app, proxy(config(app.address, timeouts=SHORT)) as server:
        head, _ = await ask(server)
        assert (status(head), reason(head)) == (504, "answer/exchange-timeout")


@pytest.mark.slow
async def test_client_whose_body_never_ends_is_408() -> None:
    async with backend(silent) as app, proxy(config(app.address, timeouts=SHORT)) as server, client(server) as wire:
        await wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(drip, wire, CHUNK)
            head, _ = await wire.response()
            assert (status(head), reason(head)) == (408, "read/exchange-timeout")
            nursery.cancel_scope.cancel()


@pytest.mark.slow
async def test_answer_that_never_ends_is_broken_off_visibly() -> None:
    async def endless(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await drip(wire, CHUNK)

    async with backend(endless) as app, proxy(config(app.address, timeouts=SHORT)) as server, client(server) as wire:
        await wire.send(GET)
        with pytest.raises(trio.BrokenResourceError):
            await wire.rest()
        assert outcomes(server) == {"exchange-timeout": 1}


async def test_wait_for_a_slot_counts_and_leaves_the_queue() -> None:
    gate = Gate()
    async with backend(gate) as app:
        only = Backend(address=app.address, max_connections=1)
        async with proxy(config(only, timeouts={"exchange": 0.25})) as server, client(server) as first:
            await first.send(GET)
            await until(lambda: gate.arrived == 1)
            async with client(server) as second:
                await second.send(GET)
                await until(lambda: server.pools["app"].waiting == 1)
                gate.open()
                assert (await first.response())[1] == b"ok"
                assert (await second.response())[1] == b"ok"
    gate = Gate()
    async with backend(gate) as app:
        only = Backend(address=app.address, max_connections=1)
        async with proxy(config(only, timeouts=SHORT)) as server, client(server) as first, client(server) as second:
            await first.send(GET)
            await until(lambda: slots(server) == 1)
            await second.send(GET)
            await until(lambda: outcomes(server).get("exchange-timeout") == 2)
            assert server.pools["app"].waiting == 0


async def test_tunnel_is_exempt() -> None:
    async def switch(wire: Wire) -> None:
        await wire.head()
        await wire.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        await echo(wire)

    async with backend(switch) as app, proxy(config(app.address, timeouts=SHORT)) as server, client(server) as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert status(await wire.head()) == 101
        assert len(server.wheel.members()) == 1  # the tunnel, and no clock
        await wire.send(b"hello")
        assert await wire.exactly(5) == b"hello"
        await wire.end()
        assert await wire.rest() == b""

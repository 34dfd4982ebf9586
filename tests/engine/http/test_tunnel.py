"""Upgrades: bytes both ways after the backend's 101, and only for who asked (RFC 9110 section 7.8)."""

# ruff: noqa: SIM117 - a backend, a proxy before it, clients before that: nested as they are

from __future__ import annotations

import pytest
import trio
import trio.testing

from tests.engine.support import (
    GET,
    OK,
    Wire,
    always,
    ask,
    backend,
    client,
    config,
    echo,
    outcomes,
    proxy,
    reason,
    slots,
    status,
    until,
)

UPGRADE = b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


async def switch(wire: Wire) -> None:
    await wire.head()
    await wire.send(SWITCH)
    await wire.send(wire.buffer)
    await echo(wire)


async def test_bytes_go_both_ways_after_the_101() -> None:
    async with backend(switch) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(UPGRADE)
        assert await wire.head() == SWITCHED
        data = bytes(range(256)) * 10_000
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wire.send, data)
            assert await wire.exactly(len(data)) == data
        assert slots(server) == 1
        await wire.end()
        assert await wire.ended()
        await until(lambda: outcomes(server) == {"ok": 1})


async def test_bytes_sent_together_with_either_head_are_not_lost() -> None:
    async def eager(wire: Wire) -> None:
        await wire.head()
        await wire.send(SWITCH + b"from the server")
        await wire.send(wire.buffer)
        await echo(wire)

    async with backend(eager) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(UPGRADE + b"from the client")
        assert await wire.head() == SWITCHED
        both = await wire.exactly(30)
        assert both == b"from the server" + b"from the client"
        await wire.end()
        assert await wire.ended()


async def test_ends_sent_together_with_either_head_are_passed_on() -> None:
    async def bye(wire: Wire) -> None:
        await wire.head()
        await wire.send(SWITCH + b"bye")

    async with backend(bye) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(UPGRADE)
        assert await wire.rest() == SWITCHED + b"bye"


async def test_1xx_before_the_101_is_passed_on() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\n\r\n"

    async def hint(wire: Wire) -> None:
        await wire.head()
        await wire.send(hints + SWITCH)
        await echo(wire)

    async with backend(hint) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(UPGRADE)
        assert await wire.head() == hints
        assert await wire.head() == SWITCHED


async def test_refused_upgrade_is_an_ordinary_answer() -> None:
    async with backend(always(OK)) as app, proxy(config(app.address)) as server, client(server) as wire:
        for _ in range(2):
            await wire.send(UPGRADE)
            assert (await wire.response())[1] == b"ok"


@pytest.mark.parametrize("data", [GET, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"])
async def test_unasked_101_is_502(data: bytes) -> None:
    async with backend(always(SWITCH)) as app, proxy(config(app.address)) as server:
        head, _ = await ask(server, data)
        assert (status(head), reason(head)) == (502, "parse/unasked-upgrade")


async def test_101_to_another_protocol_is_502() -> None:
    async with backend(always(SWITCH.replace(b"websocket", b"h2c"))) as app, proxy(config(app.address)) as server:
        head, _ = await ask(server, UPGRADE)
        assert (status(head), reason(head)) == (502, "parse/unasked-upgrade")


async def test_upgrade_that_is_not_on_the_list_never_reaches_the_backend() -> None:
    heads: list[bytes] = []

    async def note(wire: Wire) -> None:
        heads.append(await wire.head())
        await wire.send(OK)

    async with backend(note) as app, proxy(config(app.address, frontend={"upgrades": ()})) as server:
        assert (await ask(server, UPGRADE))[1] == b"ok"
    assert b"pgrade" not in heads[0]


@pytest.mark.parametrize("by_reset", [False, True])
async def test_client_that_leaves_frees_slot_and_connection(by_reset: bool) -> None:
    async with backend(switch) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(UPGRADE)
        await wire.head()
        if by_reset:
            wire.reset()
        else:
            wire.close()
        await until(lambda: slots(server) == 0 and app.open == 0)
        assert sum(outcomes(server).values()) == 1


async def test_backend_that_resets_resets_the_client() -> None:
    async def reset(wire: Wire) -> None:
        await wire.head()
        await wire.send(SWITCH)
        await wire.exactly(1)
        wire.reset()

    async with backend(reset) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(UPGRADE)
        await wire.head()
        await wire.send(b"x")
        assert not await wire.ended()
        assert outcomes(server) == {"backend-reset": 1}


async def test_silence_both_ways_ends_it() -> None:
    async with backend(switch) as app, proxy(config(app.address, timeouts={"idle": 0.1})) as server:
        async with client(server) as wire:
            await wire.send(UPGRADE)
            await wire.head()
            assert not await wire.ended()
            assert outcomes(server) == {"idle": 1}


async def test_shutdown_leaves_it_alone_until_it_cuts() -> None:
    async with (
        backend(switch) as app,
        proxy(config(app.address)) as server,
        client(server) as wire,
        trio.open_nursery() as nursery,
    ):
        await wire.send(UPGRADE)
        await wire.head()
        nursery.start_soon(server.drain, 60)
        await trio.testing.wait_all_tasks_blocked()
        await wire.send(b"x")
        assert await wire.exactly(1) == b"x"
        server.cut()
        assert not await wire.ended()
        assert outcomes(server) == {"shutdown": 1}

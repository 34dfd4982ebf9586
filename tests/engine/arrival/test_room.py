"""At `limits.connections`: idle connections and unfinished heads make room for new ones, the oldest first."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.engine.arrival.client_limit import count_client
from tests.engine.arrival.test_client_limit import Behind
from tests.engine.support import (
    GET,
    Gate,
    Wire,
    ask,
    backend,
    client,
    config,
    dial,
    echo,
    hello,
    outcomes,
    proxy,
    slots,
    until,
)

if TYPE_CHECKING:
    from proxy.serve.server import Server

FOUR = {"connections": 4}
HALF_HEAD = b"GET / HTTP/1.1\r\nHost: a\r\nX: "


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections may be closed from their first moment, and are looked for each time."""
    monkeypatch.setattr("proxy.engine.arrival.room.AGE", 0.0)
    monkeypatch.setattr("proxy.engine.arrival.room.LOOK_EVERY", 0.0)


async def crowd(server: Server, count: int, say: bytes = b"") -> list[Wire]:
    """Clients that come one after the other, each served once if it asks."""
    wires = []
    for number in range(count):
        wires.append(await dial(server.addresses["web"][0]))
        await until(lambda number=number: server.active == number + 1)
        if say:
            await wires[-1].send(say)
        if say == GET:
            assert (await wires[-1].response())[1] == b"ok"
    return wires


@pytest.mark.parametrize("say", [b"", GET], ids=["silent", "served"])
async def test_the_connection_that_is_idle_for_longest_makes_room(say: bytes) -> None:
    async with backend(hello) as app, proxy(config(app.address, limits=FOUR)) as server:
        wires = await crowd(server, 4, say)
        for turn in range(3):
            async with client(server) as wire:
                await wire.send(GET)
                assert (await wire.response())[1] == b"ok"
                assert await wires[turn].ended()
                assert server.active == 4
                wires.append(wire)
                await wires[3].send(GET)  # the youngest is still there
                assert (await wires[3].response())[1] == b"ok"
            await until(lambda: server.active == 3)
            wires.append(await dial(server.addresses["web"][0]))
            await until(lambda: server.active == 4)
        for wire in wires:
            wire.close()


async def test_unfinished_heads_make_room_and_are_counted() -> None:
    async with backend(hello) as app, proxy(config(app.address, limits=FOUR)) as server:
        wires = await crowd(server, 4, HALF_HEAD)
        await until(lambda: all(session.buffer for session in server.wheel.members()))  # type: ignore[attr-defined]
        assert (await ask(server))[1] == b"ok"
        assert outcomes(server) == {"crowded-out": 1, "ok": 1}
        for wire in wires:
            wire.close()


async def test_stages_make_room() -> None:
    async with proxy(config(limits=FOUR)) as server:
        server.frontends["web"].set_stages((count_client, Behind))
        wires = await crowd(server, 4)
        async with client(server):
            assert await wires[0].ended()
            for wire in wires:
                wire.close()
        await until(lambda: outcomes(server).get("crowded-out") == 1)


async def test_exchanges_and_tunnels_never_go() -> None:
    gate = Gate()
    async with backend(gate) as app, proxy(config(app.address, limits=FOUR)) as server:
        wires = await crowd(server, 4)
        for wire in wires:
            await wire.send(GET)
        await until(lambda: gate.arrived == 4)
        async with client(server) as fifth:
            await fifth.send(GET)
            await until(lambda: bool(server.frontends["web"].room.waiting))
            gate.open()
            for wire in wires:
                assert (await wire.response())[1] == b"ok"
            assert (await fifth.response())[1] == b"ok"  # in the place of one that had become idle
            assert server.active == 4
            assert outcomes(server) == {"ok": 5}
        for wire in wires:
            wire.close()
    async with backend(echo) as app, proxy(config(app.address, mode="tcp", limits=FOUR)) as server:
        wires = await crowd(server, 4)
        async with client(server) as fifth:
            await fifth.send(b"hello")
            await until(lambda: bool(server.frontends["web"].room.waiting))
            wires[0].close()
            assert await fifth.exactly(5) == b"hello"
        for wire in wires[1:]:
            wire.close()


@pytest.mark.slow
async def test_bodies_that_are_drawn_out_hold_a_full_frontend_until_their_rate_is_judged() -> None:
    async with backend(hello) as app:
        settings = config(app.address, limits={**FOUR, "body_rate": 1000}, timeouts={"request_body": 0.4})
        async with proxy(settings) as server, trio.open_nursery() as nursery:
            wires = await crowd(server, 4, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
            for wire in wires:
                nursery.start_soon(drip, wire)
            await until(lambda: slots(server) == 4)
            assert (await ask(server))[1] == b"ok"
            assert outcomes(server)["request-body-too-slow"] >= 1  # and who goes on sending does not linger then
            nursery.cancel_scope.cancel()
        for wire in wires:
            wire.close()


async def drip(wire: Wire) -> None:
    try:
        while True:
            await wire.send(b"x")
            await trio.sleep(0.02)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass


async def test_nobody_is_sent_away_while_nobody_waits() -> None:
    async with backend(hello) as app, proxy(config(app.address, limits=FOUR)) as server:
        wires = await crowd(server, 4, GET)
        server._accepting[0].on_event(0)
        assert server.active == 4
        assert not server.frontends["web"].room.is_crowded
        for wire in wires:
            wire.close()


@pytest.mark.parametrize("constant", ["AGE", "LOOK_EVERY"])
async def test_the_young_are_spared_and_looks_are_seldom(constant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with backend(hello) as app, proxy(config(app.address, limits=FOUR)) as server:
        wires = await crowd(server, 4)
        assert (await ask(server))[1] == b"ok"
        wires.append(await dial(server.addresses["web"][0]))
        await until(lambda: server.active == 4)
        monkeypatch.setattr(f"proxy.engine.arrival.room.{constant}", 1000.0)
        room = server.frontends["web"].room
        room._spares.clear()
        if constant == "LOOK_EVERY":
            room._next_look = server.reactor.now + 1000
        async with client(server) as last:
            await last.send(GET)
            await until(lambda: bool(room.waiting))
            assert server.active == 4
            wires[2].close()
            assert (await last.response())[1] == b"ok"
        for wire in wires:
            wire.close()


async def test_crowd_is_two_lines_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with backend(hello) as app, proxy(config(app.address, limits=FOUR)) as server:
        wires = await crowd(server, 4)
        for _ in range(5):
            wires.append(await dial(server.addresses["web"][0]))
            await wires[-1].send(GET)
            assert (await wires[-1].response())[1] == b"ok"
        for wire in wires:
            wire.close()
        await until(lambda: server.active == 0)
        await ask(server)
        said = [record.getMessage() for record in caplog.records if record.name == "rproxy.listener"]
        assert said == [
            "web: 4 connections, the limit: new ones take the place of idle ones",
            "web: 1 connections, below the limit; 5 idle ones were closed for others",
        ]

"""Stages between accept and session: counted, timed, drained, cut and crashed like sessions, and nothing is lost on the
way. The stage here waits for one byte, the knock."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import trio

from proxy.core.errors import ClientGone
from proxy.engine.arrival.stage import Stage
from tests.engine.support import (
    GET,
    OK,
    Gate,
    Wire,
    backend,
    client,
    config,
    descriptors,
    echo,
    hello,
    outcomes,
    proxy,
    tracebacks,
    until,
)

if TYPE_CHECKING:
    import socket

    import pytest

    from proxy.serve.server import Server


class Knock(Stage):
    """Takes one byte off the stream; `!` is a defect."""

    __slots__ = ()

    def seconds(self) -> float:
        return self.frontend.config.timeouts.request_head

    def on_event(self, mask: int) -> None:
        try:
            data = self.sock.recv(1)
        except BlockingIOError:
            return
        except OSError as error:
            self.give_up(ClientGone(detail=str(error), phase="accept"))
            return
        if data == b"!":
            raise RuntimeError("a defect of a stage")
        if data:
            self.peer.host = "203.0.113.9"
            self.finish()
        else:
            self.give_up(None)


def knocks(server: Server, times: int = 1) -> None:
    server.frontends["web"].set_stages((Knock,) * times)


async def test_stages_are_passed_in_turn_and_tell_the_session_what_they_learnt() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server:
        knocks(server, 2)
        async with client(server) as wire:
            await wire.send(b"a")
            await wire.send(b"b" + GET)
            assert (await wire.response())[1] == b"ok"
        async with client(server) as wire:
            await wire.send_slowly(b"ab" + GET)
            assert (await wire.response())[1] == b"ok"
        await until(lambda: server.active == 0)
        assert outcomes(server) == {"ok": 2}


async def test_what_a_stage_learnt_of_the_peer_goes_to_the_backend() -> None:
    heads: list[bytes] = []

    async def note(wire: Wire) -> None:
        heads.append(await wire.head())
        await wire.send(OK)

    async with backend(note) as app, proxy(config(app.address)) as server:
        knocks(server)
        async with client(server) as wire:
            await wire.send(b"a" + GET)
            await wire.response()
    assert b"X-Forwarded-For: 203.0.113.9\r\n" in heads[0]


async def test_tcp_sessions_have_stages_too() -> None:
    async with backend(echo) as app, proxy(config(app.address, mode="tcp")) as server:
        knocks(server)
        async with client(server) as wire:
            await wire.send(b"ahello")
            await wire.end()
            assert await wire.rest() == b"hello"


async def test_client_in_a_stage_counts_as_a_connection() -> None:
    async with backend(hello) as app, proxy(config(app.address, limits={"connections": 1})) as server:
        knocks(server)
        async with client(server) as first, client(server) as second:
            await until(lambda: server.active == 1)
            await second.send(b"a" + GET)
            first.close()
            assert (await second.response())[1] == b"ok"


async def test_client_that_leaves_within_a_stage_is_let_go() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server:
        knocks(server)
        async with client(server) as wire:
            await until(lambda: server.active == 1)
            await wire.end()
            assert await wire.ended()
        async with client(server) as wire:
            await until(lambda: server.active == 1)
            wire.reset()
        await until(lambda: server.active == 0)
        assert outcomes(server) == {"client-gone": 1}
        assert len(server.wheel.members()) == 0


async def test_stage_has_a_deadline() -> None:
    async with proxy(config(timeouts={"request_head": 0.1})) as server:
        knocks(server)
        async with client(server) as wire:
            assert await wire.ended()
        assert outcomes(server) == {"client-timeout": 1}


async def test_defect_in_a_stage_costs_one_connection(caplog: pytest.LogCaptureFixture) -> None:
    async with backend(hello) as app, proxy(config(app.address), crashes=1) as server:
        knocks(server)
        before = descriptors()
        async with client(server) as wire, client(server) as other:
            await wire.send(b"!")
            assert not await wire.ended()
            await other.send(b"a" + GET)
            assert (await other.response())[1] == b"ok"
        await until(lambda: server.active == 0)
        assert outcomes(server) == {"crash": 1, "ok": 1}
        await until(lambda: descriptors() == before + 2)  # both ends of the idle connection to the backend
    assert len(tracebacks(caplog)) == 1


async def test_session_that_cannot_begin_behind_a_stage_is_counted_out(caplog: pytest.LogCaptureFixture) -> None:
    class Unwatched(Knock):
        """As if the kernel had no watch left for the session."""

        __slots__ = ()

        def finish(self, sock: socket.socket | None = None) -> None:
            self.then = _no_watch
            super().finish(sock)

    def _no_watch(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    async with proxy(config()) as server:
        server.frontends["web"].set_stages((Unwatched,))
        async with client(server) as wire:
            await wire.send(b"a")
            assert await wire.ended()
        assert server.active == 0
    assert "cannot be served" in caplog.text


async def test_drain_waits_for_a_client_in_a_stage_and_for_its_first_request() -> None:
    gate = Gate()
    async with backend(gate) as app, proxy(config(app.address)) as server:
        knocks(server)
        async with client(server) as wire, trio.open_nursery() as nursery:
            await until(lambda: server.active == 1)
            nursery.start_soon(server.drain, 5.0)
            await until(lambda: server.frontends["web"].is_draining)
            await wire.send(b"a")
            await wire.send(GET)
            await until(lambda: gate.arrived == 1)
            gate.open()
            head, body = await wire.response()
            assert body == b"ok"
            assert b"Connection: close" in head


async def test_end_of_a_drain_cuts_a_client_in_a_stage() -> None:
    async with proxy(config()) as server:
        knocks(server)
        async with client(server) as wire:
            await until(lambda: server.active == 1)
            await server.drain(0.0)
            assert not await wire.ended()
        assert outcomes(server) == {"shutdown": 1}

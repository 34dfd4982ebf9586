"""What exchanges see of backends takes one out: answers of 5xx, none in time, none at all. A good one resets it."""

# ruff: noqa: SIM117 - backends, a proxy before them: nested as they are

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from proxy.core.config import Ejection
from proxy.serve.orders import BackendState
from tests.engine.support import (
    GET,
    NOBODY,
    OK,
    Gate,
    Wire,
    always,
    ask,
    backend,
    client,
    config,
    hello,
    proxy,
    silent,
    status,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from proxy.engine.backend import LiveBackend
    from proxy.serve.server import Server

TWO = Ejection(failures=2, connect_failures=2)
BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops"


async def closing(wire: Wire) -> None:
    await wire.request()


def first(server: Server) -> LiveBackend:
    return server.pools["app"].backends[0]


async def statuses(server: Server, count: int) -> list[int]:
    return [status((await ask(server))[0]) for _ in range(count)]


@pytest.mark.parametrize(
    ("script", "seen"),
    [
        (always(BROKEN), 500),
        (always(b"220 mail.test ESMTP\r\n\r\n"), 502),
        (closing, 502),
        (silent, 504),
    ],
    ids=["500", "no HTTP", "closed", "silent"],
)
async def test_failures_in_a_row_take_a_backend_out(script: Callable[[Wire], Awaitable[None]], seen: int) -> None:
    settings = {"ejection": TWO, "retry_on": (), "pool_timeouts": {"response_head": 0.1}}
    async with backend(script) as bad, backend(hello) as good:
        async with proxy(config(bad.address, good.address, **settings)) as server:
            assert await statuses(server, 4) == [seen, 200, seen, 200]
            assert not first(server).is_healthy
            assert await statuses(server, 4) == [200] * 4


async def test_a_good_answer_in_between_begins_a_new_row() -> None:
    turns = 0

    async def flaky(wire: Wire) -> None:
        nonlocal turns
        while True:
            await wire.request()
            turns += 1
            await wire.send(BROKEN if turns % 2 else OK)

    async with backend(flaky) as bad, backend(hello) as good:
        async with proxy(config(bad.address, good.address, ejection=TWO)) as server:
            async with client(server) as wire:
                for _ in range(12):
                    await wire.send(GET)
                    await wire.response()
            assert first(server).is_healthy
            assert turns == 6


async def test_a_fault_that_all_share_takes_nobody_out() -> None:
    async with backend(always(BROKEN)) as one, backend(always(BROKEN)) as other:
        async with proxy(config(one.address, other.address, ejection=TWO)) as server:
            assert await statuses(server, 12) == [500] * 12
            assert all(backend.is_healthy for backend in server.pools["app"].backends)


async def test_a_status_that_is_tried_elsewhere_counts_all_the_same() -> None:
    async with backend(always(BROKEN)) as bad, backend(hello) as good:
        async with proxy(config(bad.address, good.address, ejection=TWO, retry_on=("500",))) as server:
            assert await statuses(server, 6) == [200] * 6
            assert not first(server).is_healthy
            assert server.pools["app"].retried == {"500": 2}


async def test_501_is_about_the_request() -> None:
    refusing = always(b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n")
    async with backend(refusing) as one, backend(hello) as other:
        async with proxy(config(one.address, other.address, ejection=TWO)) as server:
            assert await statuses(server, 8) == [501, 200] * 4


async def test_an_idle_connection_that_was_closed_is_no_failure() -> None:
    async with backend(always(OK, then_close=True)) as app, backend(hello) as other:
        async with proxy(config(app.address, other.address, ejection=TWO)) as server:
            assert await statuses(server, 12) == [200] * 12
            assert first(server).failed_answers == 0


async def test_connects_that_fail_take_a_backend_out_and_the_last_one_is_tried() -> None:
    async with backend(hello) as app:
        async with proxy(config(NOBODY, app.address, ejection=TWO)) as server:
            assert await statuses(server, 4) == [200] * 4
            assert not first(server).is_healthy
    async with proxy(config(NOBODY, ejection=TWO)) as server:
        assert await statuses(server, 4) == [502] * 4
        assert first(server).is_ready
        assert first(server).failures["connect-refused"] == 4


async def test_of_tcp_sessions_connects_count() -> None:
    async with backend(hello) as app:
        async with proxy(config(NOBODY, app.address, mode="tcp", ejection=TWO)) as server:
            for _ in range(4):
                async with client(server) as wire:
                    await wire.send(GET)
                    assert (await wire.response())[1] == b"ok"
            assert not first(server).is_healthy


POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"


async def test_who_waits_for_a_backend_that_is_found_down_is_served_by_another() -> None:
    async with backend(silent) as hung, backend(hello) as good:
        async with proxy(config(hung.address, good.address)) as server:
            async with client(server) as wire:
                await wire.send(GET)
                await until(lambda: first(server).taken == 1)
                leave(server)
                assert (await wire.response())[1] == b"ok"
            assert server.pools["app"].retried == {"unhealthy": 1}


@pytest.mark.parametrize(("request_", "settings"), [(POST, {}), (GET, {"retry_on": ("closed",)})])
async def test_unless_it_may_not_be_sent_again(request_: bytes, settings: dict[str, Any]) -> None:
    gate = Gate(OK)
    async with backend(gate) as slow, backend(hello) as good:
        async with proxy(config(slow.address, good.address, **settings)) as server:
            async with client(server) as wire:
                await wire.send(request_)
                await until(lambda: gate.arrived == 1)
                leave(server)
                await trio.testing.wait_all_tasks_blocked()
                gate.open()
                assert (await wire.response())[1] == b"ok"
            assert not server.pools["app"].retried


async def test_where_there_is_no_other_the_wait_goes_on() -> None:
    gate = Gate(OK)
    async with backend(gate) as slow:
        async with proxy(config(slow.address)) as server:
            async with client(server) as wire:
                await wire.send(GET)
                await until(lambda: gate.arrived == 1)
                leave(server)
                await trio.testing.wait_all_tasks_blocked()
                gate.open()
                assert (await wire.response())[1] == b"ok"


def leave(server: Server) -> None:
    """As probes would have it."""
    server.send(BackendState(pool="app", backend=first(server).name, is_healthy=False))

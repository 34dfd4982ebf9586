"""Requests whose first try fails: sent again where that is safe, elsewhere if there is elsewhere, and not too many."""

# ruff: noqa: SIM117 - backends, a proxy before them, clients before that: nested as they are

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import UnixAddress
from proxy.core.config import Backend as BackendConfig
from proxy.core.config import RetryBudget
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
    full_backlog,
    hello,
    outcomes,
    proxy,
    reason,
    silent,
    status,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.serve.server import Server

BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"


def put(size: int) -> bytes:
    return b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size


class Leaves:
    """Reads a request and closes, for the first `times`; answers then. bodies: what it has read."""

    def __init__(self, times: int = 1_000_000, *, by_reset: bool = False, after: bytes = b"") -> None:
        self.times = times
        self.by_reset = by_reset
        self.after = after
        self.bodies: list[bytes] = []

    async def __call__(self, wire: Wire) -> None:
        while True:
            _, body = await wire.request()
            self.bodies.append(body)
            if len(self.bodies) <= self.times:
                await wire.send(self.after)
                if self.by_reset:
                    wire.reset()
                return
            await wire.send(OK)


def retried(server: Server) -> dict[str, int]:
    pool = server.pools["app"]
    assert pool.repeating == 0
    return dict(pool.retried)


# ---------------------------------------------------------------------- a connection that ends before the answer


@pytest.mark.parametrize("by_reset", [False, True])
async def test_lost_request_is_sent_to_another_backend(by_reset: bool) -> None:
    leaves = Leaves(by_reset=by_reset)
    async with backend(leaves) as first, backend(hello) as second:
        async with proxy(config(first.address, second.address)) as server:
            assert (await ask(server))[1] == b"ok"
            assert retried(server) == {"reset" if by_reset else "closed": 1}
            assert len(leaves.bodies) == 1


async def test_lost_request_is_sent_to_the_only_backend_over_a_new_connection() -> None:
    """A worker died, and another one listens on the same address."""
    leaves = Leaves(1)
    async with backend(leaves) as app, proxy(config(app.address)) as server:
        assert (await ask(server))[1] == b"ok"
        assert app.connections == 2


async def test_request_that_may_be_what_kills_backends_is_sent_twice_and_no_more() -> None:
    leaves = Leaves()
    async with backend(leaves) as one, backend(leaves) as two, backend(leaves) as three:
        async with proxy(config(one.address, two.address, three.address)) as server:
            head, _ = await ask(server)
            assert (status(head), reason(head)) == (502, "answer/closed-before-answer")
            assert len(leaves.bodies) == 2


async def test_post_is_not_sent_again() -> None:
    leaves = Leaves(1)
    async with backend(leaves) as app, proxy(config(app.address)) as server:
        head, _ = await ask(server, POST)
        assert (status(head), reason(head)) == (502, "answer/closed-before-answer")
        assert app.connections == 1


async def test_post_is_sent_again_if_the_operator_says_so() -> None:
    leaves = Leaves(1)
    async with backend(leaves) as app:
        async with proxy(config(app.address, retry_on=("closed", "non-idempotent"))) as server:
            assert (await ask(server, POST))[1] == b"ok"
            assert leaves.bodies == [b"body", b"body"]


async def test_nothing_listed_nothing_sent_again() -> None:
    leaves = Leaves(1)
    async with backend(leaves) as app, proxy(config(app.address, retry_on=())) as server:
        assert status((await ask(server))[0]) == 502
        assert app.connections == 1


async def test_request_is_not_sent_again_once_an_interim_answer_went_downstream() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    leaves = Leaves(1, after=hints)
    async with backend(leaves) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(GET)
        assert await wire.head() == hints
        assert status((await wire.response())[0]) == 502
        assert app.connections == 1


async def test_half_a_head_is_thrown_away_with_its_try() -> None:
    leaves = Leaves(1, after=b"HTTP/1.1 200 OK\r\nX-Half: 1\r\nCon")
    async with backend(leaves) as app, proxy(config(app.address)) as server:
        head, body = await ask(server)
        assert (head, body) == (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok")


# ---------------------------------------------------------------------- bodies


async def in_two(wire: Wire, head: bytes, body: bytes) -> None:
    """So that the body comes behind the read that brought the head."""
    await wire.send(head)
    await trio.testing.wait_all_tasks_blocked()
    await wire.send(body)


@pytest.mark.parametrize("size", [1, 1000, 60_000])
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_small_body_is_kept_and_sent_again_whole(size: int, is_chunked: bool) -> None:
    body = bytes(range(256)) * 300
    body = body[:size]
    leaves = Leaves(1)
    async with backend(leaves) as app, proxy(config(app.address)) as server, client(server) as wire:
        if is_chunked:
            head = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            await in_two(wire, head, b"%x\r\n%b\r\n0\r\n\r\n" % (size, body))
        else:
            await in_two(wire, put(size), body)
        assert (await wire.response())[1] == b"ok"
        assert leaves.bodies == [body, body]
        await wire.send(GET)  # nothing of the body was left over
        assert (await wire.response())[1] == b"ok"


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_large_body_is_not_sent_again(is_chunked: bool) -> None:
    """Not even its beginning: a backend would wait for the rest."""
    body = bytes(200_000)
    leaves = Leaves(1)
    async with backend(leaves) as app, proxy(config(app.address)) as server, client(server) as wire:
        if is_chunked:
            head = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            await in_two(wire, head, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        else:
            await in_two(wire, put(len(body)), body)
        head, _ = await wire.response()
        assert (status(head), reason(head)) == (502, "answer/closed-before-answer")
        assert app.connections == 1


async def test_large_body_over_a_stale_connection_is_not_sent_again() -> None:
    """It was read and is gone, though the connection is to blame and nobody else."""
    body = bytes(200_000)

    async def once(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK)
        await wire.request()

    async with backend(once) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(GET)
        await wire.response()
        await in_two(wire, put(len(body)), body)
        assert status((await wire.response())[0]) == 502
        assert app.connections == 1


# ---------------------------------------------------------------------- answers, silence, nonsense


async def test_listed_answer_is_asked_for_elsewhere() -> None:
    async with backend(always(BUSY)) as first, backend(hello) as second:
        async with proxy(config(first.address, second.address, retry_on=("503",))) as server:
            for _ in range(4):
                assert (await ask(server))[1] == b"ok"
            assert retried(server).keys() == {"503"}


async def test_listed_answer_is_the_answer_when_nobody_else_has_a_better_one() -> None:
    async with backend(always(BUSY)) as one, backend(always(BUSY)) as two:
        async with proxy(config(one.address, two.address, retry_on=("503",))) as server:
            head, body = await ask(server)
            assert (status(head), body) == (503, b"busy")
            assert reason(head) == ""
            assert (one.connections, two.connections) == (1, 1)
            assert outcomes(server) == {"ok": 1}


async def test_answer_that_is_not_listed_is_passed_on() -> None:
    async with backend(always(BUSY)) as first, backend(hello) as second:
        async with proxy(config(first.address, second.address, retry_on=("502", "504"))) as server:
            assert (await ask(server))[1] == b"busy"


async def test_large_answer_of_a_listed_status_is_thrown_away() -> None:
    large = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 1000000\r\n\r\n" + bytes(1_000_000)
    async with backend(always(large)) as first, backend(hello) as second:
        async with proxy(config(first.address, second.address, retry_on=("502",))) as server:
            assert (await ask(server))[1] == b"ok"
            await until(lambda: first.open == 0)


async def test_silent_backend_is_left_for_another() -> None:
    async with backend(silent) as first, backend(hello) as second:
        settings = config(
            first.address, second.address, retry_on=("response-head-timeout",), pool_timeouts={"response_head": 0.1}
        )
        async with proxy(settings) as server:
            assert (await ask(server))[1] == b"ok"
            await until(lambda: first.open == 0)


async def test_nonsense_is_asked_for_elsewhere() -> None:
    async with backend(always(b"nonsense\r\n\r\n")) as first, backend(hello) as second:
        async with proxy(config(first.address, second.address, retry_on=("bad-response",))) as server:
            assert (await ask(server))[1] == b"ok"


# ---------------------------------------------------------------------- the budget


@pytest.mark.parametrize(("at_least", "expected"), [(2, 2), (0, 0)])
async def test_budget_bounds_how_many_are_repeated_at_a_time(at_least: int, expected: int) -> None:
    gate, leaves = Gate(), Leaves()
    clients = 6
    budget = RetryBudget(percent=0, at_least=at_least)
    async with backend(leaves) as first, backend(gate) as second:
        # All go to the first for its weight, and the repeats to the second.
        heavy = BackendConfig(address=first.address, weight=1000)
        settings = config(heavy, second.address, retry_budget=budget)
        async with proxy(settings) as server, trio.open_nursery() as nursery:
            answers: list[int] = []

            async def one() -> None:
                answers.append(status((await ask(server))[0]))

            for _ in range(clients):
                nursery.start_soon(one)
            await until(lambda: len(answers) == clients - expected and gate.arrived == expected)
            assert answers == [502] * (clients - expected)
            gate.open()
        assert sorted(answers) == [200] * expected + [502] * (clients - expected)
        assert server.pools["app"].repeating == 0


# ---------------------------------------------------------------------- full backends, full backlogs


async def test_refused_request_waits_for_a_backend_that_is_merely_full() -> None:
    gate = Gate()
    async with backend(gate) as app:
        async with proxy(config(NOBODY, BackendConfig(address=app.address, max_connections=1))) as server:
            async with client(server) as first, client(server) as second:
                server.pools["app"].take()  # the next in turn is the second
                server.pools["app"].give_back(server.pools["app"].backends[0])
                await first.send(GET)
                await until(lambda: gate.arrived == 1)
                await second.send(GET)
                await until(lambda: server.pools["app"].waiting == 1)
                gate.open()
                for wire in (first, second):
                    assert (await wire.response())[1] == b"ok"


async def test_full_backlog_is_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "app")
    with full_backlog(path) as listening:
        async with proxy(config(UnixAddress(path), retries=0)) as server, client(server) as wire:
            await wire.send(GET)
            await until(lambda: server.pools["app"].backends[0].picked >= 2)
            listening.accept()[0].close()  # the filler
            with (await trio.to_thread.run_sync(listening.accept))[0] as sock:
                sock.recv(1000)
                sock.sendall(OK)
                assert (await wire.response())[1] == b"ok"


async def test_full_backlog_is_left_for_another_backend(tmp_path: Path) -> None:
    path = str(tmp_path / "app")
    with full_backlog(path):
        async with backend(hello) as app, proxy(config(UnixAddress(path), app.address)) as server:
            for _ in range(4):
                assert (await ask(server))[1] == b"ok"
            assert server.pools["app"].backends[0].is_healthy


async def test_backlog_that_stays_full_is_503_in_the_end(tmp_path: Path) -> None:
    path = str(tmp_path / "app")
    with full_backlog(path):
        async with proxy(config(UnixAddress(path), NOBODY, pool_timeouts={"connect": 0.2})) as server:
            head, _ = await ask(server)
            assert (status(head), reason(head)) == (503, "dial/backlog-full")


async def test_client_that_leaves_a_full_backlog_is_not_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "app")
    with full_backlog(path):
        async with proxy(config(UnixAddress(path), pool_timeouts={"connect": 60.0})) as server:
            async with client(server) as wire:
                await wire.send(GET)
                await until(lambda: server.pools["app"].backends[0].picked >= 1)
            await until(lambda: outcomes(server) == {"client-gone": 1})

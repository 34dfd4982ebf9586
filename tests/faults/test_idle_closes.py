"""Backends that close idle connections, at random moments and by a timer: no request fails for it."""

from __future__ import annotations

import sys
import time
from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import TcpAddress
from tests.clients.support import module
from tests.engine.support import GET, OK, Wire, ask, backend, client, config, outcomes, proxy, until
from tests.processes import free_port, start_process, wait_listening

if TYPE_CHECKING:
    from proxy.engine.backend import LiveBackend
    from proxy.serve.server import Server
    from tests.conftest import Figures

SEED = 5
CLIENTS, REQUESTS = 32, 100  # each
SOAK_ROUNDS = 50
PUT = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"


class Fickle:
    """Answers, and closes a connection whenever it likes while it is idle: at once, or a little later."""

    def __init__(self) -> None:
        self.rng = Random(SEED)
        self.closes = 0

    async def __call__(self, wire: Wire) -> None:
        await wire.request()
        while True:
            await wire.send(OK)
            with trio.move_on_after(self.patience()) as idle:
                await wire.request()
            if idle.cancelled_caught:
                self.closes += 1
                return

    def patience(self) -> float:
        return self.rng.choice((0.0, 0.0005, 0.001, 0.002, 0.01, 10.0))


@pytest.mark.slow
async def test_no_idempotent_request_fails(figures: Figures, soaking: bool) -> None:
    fickle = Fickle()
    retried: Counter[str] = Counter()
    rounds = SOAK_ROUNDS if soaking else 1
    for number in range(rounds):
        retried += await one_round(fickle, number)
    figures(
        f"idle connections closed at random: {rounds * CLIENTS * REQUESTS} requests, 0 failed; {fickle.closes} closed,"
        f" {sum(retried.values())} requests sent again ({', '.join(retried)})"
    )
    assert retried, "no request ever met a close"


async def one_round(fickle: Fickle, number: int) -> Counter[str]:
    """What was tried again."""

    async def visit(rng: Random) -> None:
        async with client(server) as wire:
            for _ in range(REQUESTS):
                await wire.send(rng.choice((GET, PUT)))
                assert (await wire.response())[1] == b"ok"
                if rng.random() < 0.3:
                    await trio.sleep(rng.random() * 0.003)

    async with backend(fickle) as app, backend(fickle) as other:  # noqa: SIM117
        async with proxy(config(app.address, other.address)) as server:
            async with trio.open_nursery() as nursery:
                for visitor in range(CLIENTS):
                    nursery.start_soon(visit, Random(f"{SEED} {number} {visitor}"))
            assert outcomes(server) == {"ok": CLIENTS * REQUESTS}
            return server.pools["app"].retried


def life(server: Server) -> LiveBackend:
    (only,) = server.pools["app"].backends
    return only


async def test_timeout_that_a_backend_tells_is_kept() -> None:
    """We close first."""
    closed_by_us = trio.Event()

    async def tells(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK.replace(b"OK\r\n", b"OK\r\nKeep-Alive: timeout=1, max=100\r\n"))
        await wire.rest()
        closed_by_us.set()

    async with backend(tells) as app, proxy(config(app.address)) as server:
        head, _ = await ask(server)
        assert b"Keep-Alive" not in head
        only = life(server)
        now = only.idle[0].idle_since
        assert only.idle_life.longest(now, 30.0) < 1.0
        only.retire(now + 0.5, 30.0)
        assert len(only.idle) == 1
        only.retire(now + 0.9, 30.0)
        await closed_by_us.wait()


@pytest.mark.slow
async def test_timer_of_uvicorn_is_learnt(figures: Figures) -> None:
    """Its keep-alive time is 1 s here. Two connections that it closed teach it; from then on it closes none, and a
    POST, which may not be sent twice, cannot meet a close."""
    module("uvicorn")
    port = free_port()
    command = ("-m", "uvicorn", "--port", str(port), "--timeout-keep-alive", "1", "--log-level", "critical")
    with start_process((sys.executable, *command, "backends.app:app")) as process:
        wait_listening(f"127.0.0.1:{port}", 30.0, process=process)
        async with proxy(config(TcpAddress("127.0.0.1", port))) as server:
            only = life(server)
            for _ in range(2):
                await ask(server, POST)
                await until(lambda: not only.idle)
            learnt = only.idle_life.longest(server.reactor.now, 30.0)
            assert 0.5 < learnt < 1.0
            await ask(server, POST)
            start = time.monotonic()
            connection = only.idle[0]
            last_close = only.idle_life._closed_at
            await until(lambda: not only.idle)
            figures(
                f"uvicorn closes after 1 s: learnt {learnt:.2f} s, retired after {time.monotonic() - start:.2f} s"
                f" ({'by rproxy' if only.idle_life._closed_at == last_close else 'by uvicorn'})"
            )
            assert connection.sock.fileno() == -1

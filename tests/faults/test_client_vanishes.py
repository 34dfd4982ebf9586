"""A client that leaves: how long until its backend sees it, wherever the exchange stands.

A client that ends its side only (half-close) counts as gone, as it does for nginx, Envoy and HAProxy: until something
is written to it nothing tells it from one that has closed its connection, and a backend would work for nobody.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from proxy.core.config import Backend as BackendConfig
from tests.engine.support import GET, OK, Gate, Wire, backend, client, config, outcomes, proxy, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Figures

LEAVE: dict[str, Callable[[Wire], None]] = {
    "closes": lambda wire: wire.close(),
    "resets": lambda wire: wire.reset(),
    "half-closes": lambda wire: wire.sock.shutdown(trio.socket.SHUT_WR),
}
BEFORE: dict[str, bytes] = {
    "thinking": GET,
    "pipelined": GET + GET + GET,
    "uploading": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n" + bytes(100_000),
    "uploading chunks": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n" + bytes(100_000),
    "downloading": b"GET /download HTTP/1.1\r\nHost: a\r\n\r\n",
}


class Watcher:
    """A backend that notes when its connection ended."""

    def __init__(self) -> None:
        self.began = trio.Event()
        self.left_at = 0.0

    async def __call__(self, wire: Wire) -> None:
        try:
            head = await wire.head()
            self.began.set()
            if b"/download" in head:
                await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\nhello")
            await wire.rest()
        except trio.BrokenResourceError:
            pass
        self.left_at = time.monotonic()


@pytest.mark.parametrize("how", LEAVE)
@pytest.mark.parametrize("what", BEFORE)
async def test_backend_sees_it(what: str, how: str, figures: Figures) -> None:
    watcher = Watcher()
    async with backend(watcher) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(BEFORE[what])
        await watcher.began.wait()
        if what == "downloading":
            await wire.until(b"hello")
        await trio.testing.wait_all_tasks_blocked()
        start = time.monotonic()
        LEAVE[how](wire)
        await until(lambda: watcher.left_at > 0)
        figures(f"client {how} while {what}: its backend saw it after {(watcher.left_at - start) * 1000:.1f} ms")
        await until(lambda: len(outcomes(server)) == 1)
        assert "ok" not in outcomes(server)


@pytest.mark.parametrize("how", LEAVE)
async def test_end_that_comes_with_the_request(how: str) -> None:
    """No event tells of it later."""
    watcher = Watcher()
    async with backend(watcher) as app, proxy(config(app.address)) as server, client(server) as wire:
        wire.sock._sock.send(GET)  # without giving the proxy a turn
        LEAVE[how](wire)
        await until(lambda: len(outcomes(server)) == 1)
        assert "ok" not in outcomes(server)
        assert not watcher.began.is_set() or watcher.left_at or await left(watcher)


async def left(watcher: Watcher) -> bool:
    await until(lambda: watcher.left_at > 0)
    return True


@pytest.mark.parametrize("how", LEAVE)
async def test_place_in_the_queue_is_given_up(how: str) -> None:
    gate = Gate(OK)
    async with backend(gate) as app, proxy(config(BackendConfig(address=app.address, max_connections=1))) as server:
        async with client(server) as first, client(server) as second:
            await first.send(GET)
            await until(lambda: gate.arrived == 1)
            await second.send(GET)
            await until(lambda: server.pools["app"].waiting == 1)
            LEAVE[how](second)
            await until(lambda: server.pools["app"].waiting == 0)
            gate.open()
            assert (await first.response())[1] == b"ok"
        assert gate.arrived == 1

"""The access log of TCP sessions: one line for each, with bytes both ways."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from proxy.core.config import Backend
from tests.engine.logs import Log
from tests.engine.support import NOBODY, backend, client, config, echo, proxy, silent, until

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.core.config import Config
    from tests.engine.support import Address


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def tcp(log: Log, *backends: Address | Backend, **more: object) -> Config:
    return config(*backends, mode="tcp", frontend=log.settings, **more)  # type: ignore[arg-type]


async def test_bytes_both_ways(log: Log) -> None:
    async def greet_and_echo_twice(wire) -> None:  # type: ignore[no-untyped-def]
        await wire.send(b"hello")
        data = await wire.rest()
        await wire.send(data * 2)

    data = b"x" * 100_000
    async with backend(greet_and_echo_twice) as app, proxy(tcp(log, app.address)) as server, client(server) as wire:
        await wire.send(data)
        await wire.end()
        await wire.rest()
    line = log.line
    assert (line["bytes_in"], line["bytes_out"]) == (len(data), 2 * len(data) + 5)
    assert (line["reason"], line["backend"], line["tries"]) == ("ok", str(app.address), 1)
    assert (line["protocol"], line["exchange"], line["status"], line["method"]) == ("tcp", None, None, None)
    assert line["us"]["tunnel"] > 0


async def test_a_reset_and_the_bytes_so_far(log: Log) -> None:
    async with backend(echo) as app, proxy(tcp(log, app.address)) as server, client(server) as wire:
        await wire.send(b"some")
        await wire.exactly(4)
        wire.reset()
    line = log.line
    assert (line["reason"], line["bytes_in"], line["bytes_out"]) == ("read/client-reset", 4, 4)


async def test_backends_that_refuse(log: Log) -> None:
    async with backend(echo) as app:
        async with proxy(tcp(log, NOBODY, app.address)) as server, client(server) as wire:
            await wire.end()
            await wire.rest()
        assert (log.line["reason"], log.line["tries"], log.line["backend"]) == ("ok", 2, str(app.address))
    log.path.unlink()
    async with proxy(tcp(log, NOBODY, retries=0)) as server:
        with contextlib.suppress(ConnectionResetError):  # before the connect was seen to work
            async with client(server):
                await until(lambda: server.active == 0)
    line = log.line
    assert (line["reason"], line["tries"], line["backend"]) == ("dial/connect-refused", 1, str(NOBODY))
    assert (line["bytes_in"], line["bytes_out"]) == (0, 0)


async def test_one_that_waits_in_vain(log: Log) -> None:
    async with backend(silent) as app:
        only = Backend(address=app.address, max_connections=1)
        async with proxy(tcp(log, only, queue=0)) as server, client(server):
            await until(lambda: app.connections == 1)
            with contextlib.suppress(ConnectionResetError):  # before the connect was seen to work
                async with client(server):
                    await until(lambda: server.frontends["web"].failures["queue-full"] == 1)
    assert sorted(line["reason"] for line in log.lines) == ["ok", "pick/queue-full"]

"""TCP mode with backends that speak TLS: the client is not read before the handshake is complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from proxy.core.config import PoolTls
from tests.engine.support import Wire, backend, client, config, echo, outcomes, proxy, silent, until
from tests.tls import server_context, tls_backend, write_authority

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.core.config import Config


@pytest.fixture
def ca(tmp_path: Path) -> str:
    return write_authority(tmp_path)


def over_tls(*backends: Any, ca: str, server_name: str | None = None, **pool: Any) -> Config:
    addresses = [scripted.address for scripted in backends]
    return config(*addresses, mode="tcp", tls=PoolTls(ca=ca, server_name=server_name), **pool)


@pytest.mark.parametrize("path", ["", "app.sock"])
async def test_bytes_and_ends_both_ways(ca: str, tmp_path: Path, path: str) -> None:
    data = bytes(range(256)) * 4096  # 1 MiB
    context = server_context("app.test")
    async with (
        tls_backend(echo, context, str(tmp_path / path) if path else "") as app,
        proxy(over_tls(app, ca=ca, server_name="app.test")) as server,
        client(server) as wire,
        trio.open_nursery() as nursery,
    ):

        async def say() -> None:
            await wire.send(data)
            await wire.end()

        nursery.start_soon(say)
        assert await wire.rest() == data
    assert outcomes(server) == {"ok": 1}


async def test_a_backend_that_speaks_first(ca: str) -> None:
    async def greet(wire: Wire) -> None:
        await wire.send(b"220 hello\r\n")
        await wire.rest()

    async with (
        tls_backend(greet, server_context("127.0.0.1")) as app,
        proxy(over_tls(app, ca=ca)) as server,
        client(server) as wire,
    ):
        assert await wire.until(b"\r\n") == b"220 hello\r\n"


async def test_another_backend_is_tried_and_nothing_is_lost(ca: str) -> None:
    async with (
        tls_backend(echo, server_context("other.test")) as wrong,
        tls_backend(echo, server_context("127.0.0.1")) as right,
        proxy(over_tls(wrong, right, ca=ca)) as server,
    ):
        for _ in range(2):
            async with client(server) as wire:
                await wire.send(b"said before anybody was there")
                await wire.end()
                assert await wire.rest() == b"said before anybody was there"
        await until(lambda: wrong.failed >= 1)


async def test_no_backend_can_be_trusted(ca: str) -> None:
    async with tls_backend(echo, server_context("other.test")) as app, proxy(over_tls(app, ca=ca)) as server:
        async with client(server) as wire:
            assert not await wire.ended()
        assert outcomes(server) == {"tls-certificate": 1}


async def test_the_handshake_must_end_within_the_connect_timeout(ca: str) -> None:
    async with backend(silent) as app, proxy(over_tls(app, ca=ca, pool_timeouts={"connect": 0.1})) as server:
        async with client(server) as wire:
            assert not await wire.ended()
        assert outcomes(server) == {"connect-timeout": 1}


async def test_a_client_that_leaves_during_the_handshake(ca: str) -> None:
    async with backend(silent) as app, proxy(over_tls(app, ca=ca)) as server:
        async with client(server) as wire:
            await until(lambda: app.open == 1)
            wire.reset()
        await until(lambda: app.open == 0)
        assert outcomes(server) == {"client-gone": 1}


async def test_a_later_session_goes_on_from_an_earlier_one(ca: str) -> None:
    async with tls_backend(echo, server_context("127.0.0.1")) as app, proxy(over_tls(app, ca=ca)) as server:
        for _ in range(3):
            async with client(server) as wire:
                await wire.send(b"x")
                assert await wire.exactly(1) == b"x"
                await wire.end()
                assert await wire.rest() == b""
            await until(lambda: server.active == 0)
    assert app.resumed == 2

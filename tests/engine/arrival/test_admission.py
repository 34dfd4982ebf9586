"""allow and deny: refused before anything is read, by the address that counts, and every end is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.core.address import UnixAddress
from proxy.core.client.proxy_header_writer import encode_v1
from tests.engine.support import GET, ask, backend, client, config, echo, hello, outcomes, proxy, reason, status, until

if TYPE_CHECKING:
    from pathlib import Path

DENIED = {"deny": ("127.0.0.0/8",)}
ALLOWED = {"allow": ("127.0.0.0/8",), "deny": ("127.0.0.2/32",)}


async def test_http_is_answered_before_anything_is_read() -> None:
    async with backend(hello) as app, proxy(config(app.address, frontend=DENIED)) as server:
        async with client(server) as wire:
            head, body = await wire.response()
            assert (status(head), reason(head)) == (403, "admit/address-denied")
            assert b"Connection: close" in head
            assert body == b"403 Forbidden\nadmit: address-denied\n"
            await wire.end()
            assert await wire.ended()
        await until(lambda: server.active == 0)
        for data in (GET, GET * 100, b"garbage"):
            async with client(server) as wire:
                await wire.send(data)
                assert status((await wire.response())[0]) == 403
                await wire.end()
                assert await wire.ended()
        async with client(server) as wire:
            await until(lambda: outcomes(server) == {"address-denied": 5})
            wire.reset()
        assert app.connections == 0


async def test_tcp_is_closed() -> None:
    async with backend(echo) as app, proxy(config(app.address, mode="tcp", frontend=DENIED)) as server:
        async with client(server) as wire:
            assert await wire.ended()
        assert outcomes(server) == {"address-denied": 1}
        assert app.connections == 0


@pytest.mark.parametrize("mode", ["http", "tcp"])
async def test_who_is_allowed_is_served(mode: str) -> None:
    async with backend(hello) as app, proxy(config(app.address, mode=mode, frontend=ALLOWED)) as server:
        assert (await ask(server))[1] == b"ok"


async def test_a_unix_socket_has_no_address(tmp_path: Path) -> None:
    where = UnixAddress(f"{tmp_path}/s")
    async with backend(hello) as app:
        async with proxy(config(app.address, listen=where, frontend=ALLOWED)) as server:
            assert status((await ask(server))[0]) == 403
        async with proxy(config(app.address, listen=where, frontend={"allow": ("unix:",)})) as server:
            assert status((await ask(server))[0]) == 200
        async with proxy(config(app.address, listen=where, frontend=DENIED)) as server:
            assert status((await ask(server))[0]) == 200


async def test_the_address_of_a_proxy_header_counts() -> None:
    server_end = ("192.0.2.1", 443)
    frontend = {"proxy_protocol": True, "trusted_proxies": ("127.0.0.1/32",), "deny": ("203.0.113.0/24",)}
    async with backend(hello) as app, proxy(config(app.address, frontend=frontend)) as server:
        assert status((await ask(server, encode_v1(("203.0.113.7", 1), server_end) + GET))[0]) == 403
        assert status((await ask(server, encode_v1(("198.51.100.7", 1), server_end) + GET))[0]) == 200
        await until(lambda: server.active == 0)
        assert outcomes(server) == {"address-denied": 1, "ok": 1}

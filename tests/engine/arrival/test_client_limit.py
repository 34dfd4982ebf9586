"""`limits.connections_per_client`: who is refused, how, and that nobody is counted who is gone."""

# ruff: noqa: SIM117 - a backend, a proxy before it, clients before that: nested as they are

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import TcpAddress, UnixAddress
from proxy.engine.arrival.client_limit import count_client
from proxy.engine.arrival.stage import Stage
from tests.engine.support import (
    GET,
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
    reason,
    status,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.serve.server import Server

TWO = {"connections_per_client": 2}


async def from_address(server: Server, host: str) -> Wire:
    """Every address of 127.0.0.0/8 is ours."""
    address = server.addresses["web"][0]
    sock = trio.socket.socket()
    await sock.bind((host, 0))
    await sock.connect((address.host, address.port))  # type: ignore[union-attr]
    return Wire(trio.SocketStream(sock))


async def expect_reset(server: Server) -> None:
    """Without a word. The proxy runs in this thread, so that it cannot reset the handshake itself."""
    address = server.addresses["web"][0]
    assert isinstance(address, TcpAddress)
    with socket.create_connection((address.host, address.port)) as sock:
        await trio.lowlevel.wait_readable(sock)
        with pytest.raises(ConnectionResetError):
            sock.recv(100)


async def test_connection_beyond_the_limit_is_429_and_others_are_served() -> None:
    async with backend(hello) as app, proxy(config(app.address, limits=TWO)) as server:
        async with client(server), client(server):
            await until(lambda: server.active == 2)
            async with client(server) as third:
                head, body = await third.response()
                assert (status(head), reason(head)) == (429, "admit/too-many-connections")
                assert b"Retry-After: 1\r\n" in head
                assert body == b"429 Too Many Requests\nadmit: too-many-connections\n"
                assert await third.ended()
            assert server.active == 2
            other = await from_address(server, "127.0.0.2")
            await other.send(GET)
            assert (await other.response())[1] == b"ok"
            other.close()
            assert outcomes(server) == {"too-many-connections": 1, "ok": 1}
        await until(lambda: server.active == 0)
        assert (await ask(server))[1] == b"ok"


async def test_request_that_came_with_the_connection_does_not_cost_the_page() -> None:
    async with backend(hello) as app, proxy(config(app.address, limits={"connections_per_client": 1})) as server:
        async with client(server):
            await until(lambda: server.active == 1)
            address = server.addresses["web"][0]
            assert isinstance(address, TcpAddress)
            sock = socket.create_connection((address.host, address.port))  # the proxy sees both at once
            sock.sendall(GET * 10)
            await until(lambda: len(outcomes(server)) == 1)
            sock.settimeout(5)
            assert sock.recv(4096).startswith(b"HTTP/1.1 429 ")
            sock.close()


async def test_tcp_mode_resets() -> None:
    async with backend(echo) as app, proxy(config(app.address, mode="tcp", limits=TWO)) as server:
        async with client(server) as one, client(server) as two:
            await until(lambda: server.active == 2)
            await expect_reset(server)
            assert outcomes(server) == {"too-many-connections": 1}
            for wire in (one, two):
                await wire.end()
                assert await wire.rest() == b""


async def test_unix_sockets_have_no_address_to_count(tmp_path: Path) -> None:
    async with backend(hello) as app:
        listen = UnixAddress(str(tmp_path / "front"))
        async with proxy(config(app.address, listen=listen, limits={"connections_per_client": 1})) as server:
            async with client(server), client(server):
                assert (await ask(server))[1] == b"ok"
                assert len(server.frontends["web"].clients) == 0


@pytest.mark.parametrize("mode", ["http", "tcp"])
async def test_trusted_proxies_carry_many_clients(mode: str) -> None:
    async with backend(hello) as app:
        frontend = {"trusted_proxies": ("127.0.0.1/32",)}
        settings = config(app.address, mode=mode, frontend=frontend, limits={"connections_per_client": 1})
        async with proxy(settings) as server, client(server), client(server):
            assert (await ask(server))[1] == b"ok"
            assert len(server.frontends["web"].clients) == 0


async def test_proxy_header_tells_who_is_counted() -> None:
    async with backend(hello) as app:
        frontend = {"trusted_proxies": ("127.0.0.1/32",), "proxy_protocol": True}
        settings = config(app.address, frontend=frontend, limits={"connections_per_client": 1})
        async with proxy(settings) as server, client(server) as one, client(server) as other, client(server) as third:
            for wire, host in ((one, b"192.0.2.1"), (other, b"192.0.2.2"), (third, b"192.0.2.1")):
                await wire.send(b"PROXY TCP4 %b 198.51.100.1 1000 80\r\n" % host + GET)
                assert status((await wire.response())[0]) == (429 if wire is third else 200)
            assert len(server.frontends["web"].clients) == 2


async def test_ipv6_counts_by_its_network() -> None:
    async with backend(hello) as app:
        settings = config(app.address, listen=TcpAddress("::1", 0), limits={"connections_per_client": 1})
        async with proxy(settings) as server, client(server):
            await until(lambda: server.active == 1)
            assert status((await ask(server))[0]) == 429


async def test_no_limit_counts_nobody() -> None:
    async with backend(hello) as app:
        async with proxy(config(app.address, limits={"connections_per_client": 0})) as server, client(server) as wire:
            await wire.send(GET)
            assert (await wire.response())[1] == b"ok"
            assert len(server.frontends["web"].clients) == 0


class Behind(Stage):
    """Stands behind the count, as a TLS handshake does."""

    __slots__ = ()

    def seconds(self) -> float:
        return 5.0

    def on_event(self, mask: int) -> None:
        self.give_up(None)


async def test_stage_behind_the_count_gives_it_back_and_is_no_place_for_a_page() -> None:
    async with proxy(config(limits={"connections_per_client": 1})) as server:
        server.frontends["web"].set_stages((count_client, Behind))
        async with client(server) as first:
            await until(lambda: len(server.frontends["web"].clients) == 1)
            await expect_reset(server)
            await first.send(b"x")
            await until(lambda: len(server.frontends["web"].clients) == 0)


@pytest.mark.parametrize("mode", ["http", "tcp"])
async def test_cut_sessions_are_counted_no_more(mode: str) -> None:
    async with backend(echo) as app, proxy(config(app.address, mode=mode)) as server:
        wires = [await dial(server.addresses["web"][0]) for _ in range(5)]
        await until(lambda: server.active == 5)
        assert len(server.frontends["web"].clients) == 1
        server.cut()
        assert len(server.frontends["web"].clients) == 0
        for wire in wires:
            wire.close()

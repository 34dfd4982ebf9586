"""PROXY headers sent to backends: first on every connection, and never with another client's requests behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.client.proxy_header_writer import LOCAL, encode_v1, encode_v2
from proxy.core.client.proxy_protocol import AUTHORITY, UNIQUE_ID, ProxyHeader, parse
from proxy.core.config import HealthCheck, PoolTls
from proxy.serve.backends.health_checks import probe
from tests.engine.support import GET, OK, Wire, ask, backend, client, config, outcomes, proxy, until
from tests.tls import server_context

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.serve.server import Server

VERSIONS = pytest.mark.parametrize("version", ["v1", "v2"])


async def header_of(wire: Wire) -> ProxyHeader:
    while (header := parse(wire.buffer)) is None:
        if not await wire.more():
            raise EOFError
    wire.buffer = wire.buffer[header.size :]
    return header


class Receiver:
    """Serves HTTP behind a header. seen: for every request the client of its connection, as its header says, and the
    connection's number."""

    def __init__(self) -> None:
        self.connections = 0
        self.seen: list[tuple[ProxyHeader, int]] = []
        self.heads: list[bytes] = []

    async def __call__(self, wire: Wire) -> None:
        self.connections += 1
        number = self.connections
        header = await header_of(wire)
        while True:
            head, _ = await wire.request()
            self.heads.append(head)
            self.seen.append((header, number))
            await wire.send(OK)


def end_of(wire: Wire) -> tuple[str, int]:
    host, port = wire.sock.getsockname()
    return host, port


def listening(server: Server) -> tuple[str, int]:
    address = server.addresses["web"][0]
    assert isinstance(address, TcpAddress)
    return address.host, address.port


@VERSIONS
async def test_each_client_has_backend_connections_of_its_own(version: str) -> None:
    receiver = Receiver()
    async with backend(receiver) as app, proxy(config(app.address, proxy_protocol=version)) as server:
        async with client(server) as one, client(server) as other:
            for wire in (one, one, other, one, other, other):
                await wire.send(GET)
                assert (await wire.response())[1] == b"ok"
            ends = [end_of(one), end_of(other)]
        assert [header.source for header, _ in receiver.seen] == [ends[i] for i in (0, 0, 1, 0, 1, 1)]
        assert [number for _, number in receiver.seen] == [1, 1, 2, 1, 2, 2]
        assert {header.destination for header, _ in receiver.seen} == {listening(server)}
        assert outcomes(server) == {"ok": 6}


async def test_bodies_go_behind_the_header() -> None:
    receiver = Receiver()
    async with backend(receiver) as app, proxy(config(app.address, proxy_protocol="v2")) as server:
        post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n"
        assert (await ask(server, post + b"x" * 300_000))[1] == b"ok"
        async with client(server) as wire:
            await wire.send(post)
            await wire.send(b"x" * 300_000)
            assert (await wire.response())[1] == b"ok"


async def test_idle_connections_of_clients_that_left_make_room() -> None:
    receiver = Receiver()
    async with backend(receiver) as app:
        settings = config(app.address, proxy_protocol="v2", idle_connections=2)
        async with proxy(settings) as server:
            for _ in range(5):
                await ask(server)
            (live,) = server.pools["app"].backends
            assert len(live.idle) == 2
            async with client(server) as wire:
                for _ in range(3):
                    await wire.send(GET)
                    await wire.response()
            assert receiver.connections == 6
            await until(lambda: app.open == 2)


async def test_the_client_that_a_trusted_proxy_names_is_told() -> None:
    """And a connection that was made for one of its clients is not used for another."""
    receiver = Receiver()
    settings = {"proxy_protocol": "v2", "frontend": {"trusted_proxies": ("127.0.0.1/32",)}}
    async with backend(receiver) as app, proxy(config(app.address, **settings)) as server, client(server) as wire:
        for number in (1, 2, 1, 2):
            await wire.send(GET[:-2] + b"X-Forwarded-For: 203.0.113.%d\r\n\r\n" % number)
            await wire.response()
        await wire.send(GET)
        await wire.response()
        assert [header.source for header, _ in receiver.seen] == [
            ("203.0.113.1", 0), ("203.0.113.2", 0), ("203.0.113.1", 0), ("203.0.113.2", 0), end_of(wire)
        ]  # fmt: skip
        assert [number for _, number in receiver.seen] == [1, 2, 1, 2, 3]


@VERSIONS
async def test_tcp_mode_says_it_before_the_client_says_anything(version: str) -> None:
    """Servers that speak first wait for it."""

    async def greets(wire: Wire) -> None:
        header = await header_of(wire)
        await wire.send(repr(header.source).encode() + b"\n")
        await wire.send(await wire.until(b"\n"))

    async with backend(greets) as app:
        settings = config(app.address, mode="tcp", proxy_protocol=version)
        async with proxy(settings) as server, client(server) as wire:
            assert await wire.until(b"\n") == repr(end_of(wire)).encode() + b"\n"
            await wire.send(b"hello\n")
            assert await wire.until(b"\n") == b"hello\n"


@VERSIONS
@pytest.mark.parametrize("mode", ["http", "tcp"])
async def test_the_header_goes_before_the_handshake(mode: str, version: str) -> None:
    sources: list[object] = []

    async def tls_behind(wire: Wire) -> None:
        size = 28 if version == "v2" else len(encode_v1(end_of(other), listening(server)))
        header = parse(await wire.sock.recv(size))
        assert header is not None
        sources.append(header.source)
        tls = trio.SSLStream(wire.stream, server_context("localhost"), server_side=True)
        assert (await tls.receive_some()).startswith(b"GET ")
        await tls.send_all(OK)
        await wire.rest()

    settings = {"mode": mode, "proxy_protocol": version, "tls": PoolTls(verify=False)}
    async with (
        backend(tls_behind) as app,
        proxy(config(app.address, **settings)) as server,
        client(server) as other,
    ):
        await other.send(GET)
        assert (await other.response())[1] == b"ok"
        assert sources == [end_of(other)]


@pytest.mark.parametrize("mode", ["http", "tcp"])
async def test_what_a_header_said_is_passed_on(mode: str) -> None:
    """Two proxies in a row: the second backend learns of the first client, and what it said by TLS."""
    source, destination = ("203.0.113.7", 56324), ("2001:db8::1", 443)
    tlvs = ((AUTHORITY, b"shop.example"), (UNIQUE_ID, b"42"))
    receiver = Receiver()
    frontend = {"proxy_protocol": True, "trusted_proxies": ("127.0.0.1/32",)}
    async with (
        backend(receiver) as app,
        proxy(config(app.address, mode=mode, frontend=frontend, proxy_protocol="v2")) as server,
    ):
        assert (await ask(server, encode_v2(source, destination, tlvs) + GET))[1] == b"ok"
    (header, _) = receiver.seen[0]
    assert (header.source, header.destination, header.tlvs) == (source, destination, tlvs)


@VERSIONS
async def test_a_client_on_a_unix_socket_has_no_address(version: str, tmp_path: Path) -> None:
    receiver = Receiver()
    where = UnixAddress(f"{tmp_path}/s")
    async with (
        backend(receiver, f"{tmp_path}/b") as app,
        proxy(config(app.address, listen=where, proxy_protocol=version)) as server,
    ):
        await ask(server)
    assert receiver.seen[0][0].source is None


@VERSIONS
async def test_probes_speak_for_themselves(version: str) -> None:
    receiver = Receiver()
    async with backend(receiver) as app, proxy(config(app.address, proxy_protocol=version)) as server:
        (live,) = server.pools["app"].backends
        assert await probe(live, HealthCheck(path="/healthz")) == ""
        assert await probe(live, HealthCheck()) == ""
    header = receiver.seen[0][0]
    if version == "v2":
        assert header == ProxyHeader(len(LOCAL))
    else:
        assert header.source is not None
        assert header.source[0] == "127.0.0.1"
        assert header.destination == (app.address.host, app.address.port)  # type: ignore[union-attr]

"""PROXY headers in front of connections: who is believed, what is refused, and that not a byte more is taken."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import UnixAddress
from proxy.core.client.proxy_header_writer import LOCAL, encode_ssl, encode_v1, encode_v2
from proxy.core.client.proxy_protocol import SIGNATURE, SSL, ProxyHeader, parse
from tests.engine.support import (
    GET,
    OK,
    Wire,
    ask,
    backend,
    client,
    config,
    descriptors,
    echo,
    hello,
    outcomes,
    proxy,
    until,
)
from tests.engine.tls_wire import tls_settings
from tests.tls import client_context

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from typing import Any

CLIENT, SERVER = ("203.0.113.7", 56324), ("192.0.2.1", 443)
HEADERS = {
    "v1": encode_v1(CLIENT, SERVER),
    "v1 of IPv6": encode_v1(("2001:db8::7", 1), ("2001:db8::1", 2)),
    "v2": encode_v2(CLIENT, SERVER),
    "v2 with TLVs": encode_v2(CLIENT, SERVER, [(2, b"shop.example"), (0xE0, b"x" * 3000)]),
}


def trusting(*networks: str, **more: Any) -> dict[str, Any]:
    return {"proxy_protocol": True, "trusted_proxies": networks or ("127.0.0.0/8",), **more}


def noting(heads: list[bytes]) -> Callable[[Wire], Awaitable[None]]:
    async def note(wire: Wire) -> None:
        while True:
            heads.append(await wire.head())
            await wire.send(OK)

    return note


def forwarded_for(head: bytes) -> str:
    return head.partition(b"X-Forwarded-For: ")[2].partition(b"\r\n")[0].decode()


@pytest.mark.parametrize("name", HEADERS)
async def test_the_client_of_the_header_is_the_client(name: str) -> None:
    heads: list[bytes] = []
    async with backend(noting(heads)) as app, proxy(config(app.address, frontend=trusting())) as server:
        await ask(server, HEADERS[name] + GET)
        async with client(server) as wire:
            await wire.send_slowly(HEADERS[name][:120])
            await wire.send(HEADERS[name][120:])
            for _ in range(2):
                await wire.send(GET)
                await wire.response()
    assert [forwarded_for(head) for head in heads] == ["2001:db8::7" if "IPv6" in name else "203.0.113.7"] * 3
    assert outcomes(server) == {"ok": 3}


@pytest.mark.parametrize("cut", [1, 12, 30, 200])
async def test_a_header_in_two_parts_over_a_unix_socket(cut: int, tmp_path: Path) -> None:
    """Where a look must see across messages."""
    heads: list[bytes] = []
    header = HEADERS["v2 with TLVs"]
    settings = config(listen=UnixAddress(f"{tmp_path}/s"), frontend=trusting("unix:"))
    async with backend(noting(heads)) as app:
        settings = config(app.address, listen=UnixAddress(f"{tmp_path}/s"), frontend=trusting("unix:"))
        async with proxy(settings) as server, client(server) as wire:
            await wire.send(header[:cut])
            await until(lambda: server.active == 1)
            await wire.send(header[cut:] + GET)
            await wire.response()
    assert forwarded_for(heads[0]) == "203.0.113.7"


async def test_tcp_mode_gets_the_bytes_behind_the_header_and_no_other() -> None:
    settings = {"mode": "tcp", "frontend": trusting()}
    async with backend(echo) as app, proxy(config(app.address, **settings)) as server:
        for header in HEADERS.values():
            async with client(server) as wire:
                await wire.send(header + b"PROXY TCP4 is what I say\r\n")
                await wire.end()
                assert await wire.rest() == b"PROXY TCP4 is what I say\r\n"
        assert outcomes(server) == {"ok": 4}


@pytest.mark.parametrize(
    ("header", "host", "claims_count"),
    [
        (LOCAL, "127.0.0.1", False),
        (SIGNATURE + b"\x20\x11\x00\x03abc", "127.0.0.1", False),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1", False),
        (SIGNATURE + b"\x21\x00\x00\x00", "127.0.0.1", False),
        (SIGNATURE + struct.pack(">BBH", 0x21, 0x31, 216) + b"/run/x".ljust(216, b"\0"), "127.0.0.1", False),
        (SIGNATURE + struct.pack(">BBH", 0x21, 0x12, 12) + bytes(12), "127.0.0.1", False),
        (encode_v1(("127.0.0.9", 1), SERVER), "127.0.0.9", True),
        (encode_v1(CLIENT, SERVER), "203.0.113.7", False),
    ],
)
async def test_headers_without_an_address_and_who_may_speak_for_others(
    header: bytes, host: str, claims_count: bool
) -> None:
    """Of a client that a proxy hides nothing is believed, as of any stranger's."""
    heads: list[bytes] = []
    request = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n"
    async with backend(noting(heads)) as app, proxy(config(app.address, frontend=trusting())) as server:
        await ask(server, header + request)
    assert forwarded_for(heads[0]) == ("198.51.100.1, " if claims_count else "") + host


async def test_a_client_that_came_by_tls() -> None:
    heads: list[bytes] = []
    ssl = encode_ssl("TLSv1.3", "TLS_AES_128_GCM_SHA256", None, is_verified=False)
    async with backend(noting(heads)) as app, proxy(config(app.address, frontend=trusting())) as server:
        await ask(server, encode_v2(CLIENT, SERVER, [(SSL, ssl)]) + GET)
        await ask(server, encode_v2(CLIENT, SERVER, [(SSL, bytes(5))]) + GET)
    assert [b"X-Forwarded-Proto: https\r\n" in head for head in heads] == [True, False]


async def test_a_stranger_is_refused_unread() -> None:
    async with backend(hello) as app:
        settings = config(app.address, frontend=trusting("10.0.0.0/8", "unix:"))
        async with proxy(settings) as server:
            async with client(server) as wire:
                assert await wire.ended()
            for _ in range(3):
                with pytest.raises((trio.BrokenResourceError, EOFError)):
                    await ask(server, HEADERS["v2"] + GET)
        assert outcomes(server) == {"untrusted-proxy": 4}
        assert app.connections == 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (GET, "proxy-header-syntax"),
        (b"\x16\x03\x01\x02\x00", "proxy-header-syntax"),
        (b"PROXY TCP4 203.0.113.7 192.0.2.1 1 2\n" + b"x" * 99, "proxy-header-syntax"),
        (encode_v2(CLIENT, SERVER, [(3, bytes(4))]), "proxy-header-checksum"),
        (SIGNATURE + b"\x21\x11\xff\xff", "proxy-header-syntax"),
    ],
)
@pytest.mark.parametrize("mode", ["http", "tcp"])
async def test_what_is_no_header_is_not_answered(data: bytes, reason: str, mode: str) -> None:
    async with backend(hello) as app, proxy(config(app.address, mode=mode, frontend=trusting())) as server:
        async with client(server) as wire:
            await wire.send(data)
            with pytest.raises(trio.BrokenResourceError):  # a reset: what it sent was not read
                await wire.rest()
        await until(lambda: server.active == 0)
        assert outcomes(server) == {reason: 1}
        assert app.connections == 0


async def test_clients_that_leave() -> None:
    """Before the first byte it may have been a health check, and is nothing to speak of."""
    async with proxy(config(frontend=trusting())) as server:
        before = descriptors()
        for data in (b"", b"PROXY TCP4", SIGNATURE, HEADERS["v2"][:-1]):
            async with client(server) as wire:
                await wire.send(data)
                await wire.end()
                await until(lambda: server.active == 0)
        async with client(server) as wire:
            await wire.send(b"PROXY")
            await until(lambda: server.active == 1)
            wire.reset()
        await until(lambda: server.active == 0)
        assert outcomes(server) == {"proxy-header-incomplete": 3, "client-reset": 1}
        await until(lambda: descriptors() == before)
        assert not server.wheel.members()


async def test_a_header_has_a_deadline() -> None:
    async with proxy(config(frontend=trusting(), timeouts={"proxy_header": 0.1})) as server:
        async with client(server) as silent, client(server) as slow:
            await slow.send(b"PROXY TCP4 203.")
            assert await silent.ended()
            assert not await slow.ended()
        assert outcomes(server) == {"proxy-header-timeout": 2}


@pytest.mark.parametrize("mode", ["http", "tcp"])
async def test_the_header_comes_before_tls_and_its_client_is_judged(mode: str, tmp_path: Path) -> None:
    """Denied clients are closed before the handshake; of the others a backend learns by version 2 what TLS brought."""
    seen: list[ProxyHeader] = []

    async def behind(wire: Wire) -> None:
        while (header := parse(wire.buffer)) is None:
            assert await wire.more()
        wire.buffer = wire.buffer[header.size :]
        seen.append(header)
        await wire.head()
        await wire.send(OK)
        await wire.rest()

    frontend = trusting(tls=tls_settings(tmp_path), deny=("198.51.100.0/24",))
    async with (
        backend(behind) as app,
        proxy(config(app.address, mode=mode, frontend=frontend, proxy_protocol="v2")) as server,
    ):
        async with client(server) as wire:
            await wire.send(HEADERS["v2"])
            tls = trio.SSLStream(wire.stream, client_context(), server_hostname="localhost")
            await tls.send_all(GET)
            assert (await tls.receive_some()).endswith(b"\r\n\r\nok")
            await trio.aclose_forcefully(tls)
        async with client(server) as wire:
            await wire.send(encode_v1(("198.51.100.7", 1), SERVER))
            assert await wire.ended()
        await until(lambda: server.active == 0)
        assert outcomes(server)["address-denied"] == 1
    (header,) = seen
    assert (header.source, header.destination, header.is_tls) == (CLIENT, SERVER, True)

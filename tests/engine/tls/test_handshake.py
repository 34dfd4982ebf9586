"""The handshake with a client: what may go wrong in it, what sessions and backends are told of it, and what it costs
others. The files of certificates and the choice among them: serve/test_certificates.py."""

# ruff: noqa: SIM117 - a backend, a proxy before it, clients before that: nested as they are

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trio

from proxy.core.client import x509
from proxy.core.config import Backend, Config, Frontend, Pool, Route
from tests.engine.support import (
    GET,
    LOCALHOST,
    OK,
    Gate,
    Wire,
    backend,
    client,
    config,
    descriptors,
    echo,
    hello,
    outcomes,
    proxy,
    reason,
    status,
    until,
)
from tests.engine.tls_wire import tls_client, tls_settings
from tests.tls import certificate, client_context

if TYPE_CHECKING:
    from pathlib import Path

HELLO = bytes.fromhex("160301")  # the beginning of every ClientHello


def settings(directory: Path, *backends: Any, tls: dict[str, Any] | None = None, **more: Any) -> Config:
    return config(
        *backends, frontend={"tls": tls_settings(directory, **(tls or {})), **more.pop("frontend", {})}, **more
    )


# ---------------------------------------------------------------------- good ones


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_requests_go_through(tmp_path: Path, version: ssl.TLSVersion) -> None:
    context = client_context()
    context.maximum_version = version
    async with backend(hello) as app, proxy(settings(tmp_path, app.address)) as server:
        async with tls_client(server, context) as wire:
            for _ in range(3):
                await wire.send(GET)
                assert (await wire.response())[1] == b"ok"
        await until(lambda: server.active == 0)
        assert outcomes(server) == {"ok": 3}


async def test_request_in_one_segment_with_the_end_of_the_handshake_is_answered(tmp_path: Path) -> None:
    async with backend(hello) as app, proxy(settings(tmp_path, app.address)) as server:
        async with client(server) as raw:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
            with pytest.raises(ssl.SSLWantReadError):
                tls.do_handshake()
            await raw.send(outgoing.read())
            while True:
                incoming.write(await raw.stream.receive_some(65536))
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    pass
            tls.write(GET)
            await raw.send(outgoing.read())
            data = b""
            while not data.endswith(b"ok"):
                incoming.write(await raw.stream.receive_some(65536))
                try:
                    data += tls.read()
                except ssl.SSLWantReadError:
                    pass


async def test_slow_handshake_is_borne_with_until_its_deadline(tmp_path: Path) -> None:
    timeouts = {"tls_handshake": 0.2}
    async with proxy(settings(tmp_path, timeouts=timeouts)) as server:
        async with client(server) as silent, client(server) as slow:
            await slow.send_slowly(HELLO + b"\x02\x00\x01")
            assert await silent.ended()
            assert await slow.ended()
        assert outcomes(server) == {"tls-handshake-timeout": 2}


async def test_others_are_served_while_a_handshake_waits(tmp_path: Path) -> None:
    async with backend(hello) as app, proxy(settings(tmp_path, app.address)) as server:
        async with client(server) as waiting, tls_client(server) as wire:
            await waiting.send(HELLO)
            await wire.send(GET)
            assert (await wire.response())[1] == b"ok"


# ---------------------------------------------------------------------- bad ones


async def test_plain_http_is_answered_with_a_page_that_says_so(tmp_path: Path) -> None:
    async with backend(hello) as app, proxy(settings(tmp_path, app.address)) as server:
        async with client(server) as wire:
            await wire.send(GET)
            head, body = await wire.response()
            assert (status(head), reason(head)) == (400, "accept/plain-http-on-tls-port")
            assert b"plain-http-on-tls-port" in body
            assert await wire.ended()
        await until(lambda: server.active == 0)
        assert outcomes(server) == {"plain-http-on-tls-port": 1}
        assert app.connections == 0


@pytest.mark.parametrize("data", [b"SSH-2.0-x\r\n", b"\x16\x03\x01\x00\x05hello", b"\x99\x88\x77" * 1000])
async def test_garbage_is_refused(tmp_path: Path, data: bytes) -> None:
    async with proxy(settings(tmp_path)) as server:
        async with client(server) as wire:
            await wire.send(data)
            try:
                await wire.rest()  # an alert, or nothing
            except trio.BrokenResourceError:
                pass
        await until(lambda: server.active == 0)
        assert list(outcomes(server)) == ["tls-handshake"]


async def test_client_that_leaves_before_it_said_anything_is_no_failure(tmp_path: Path) -> None:
    async with proxy(settings(tmp_path)) as server:
        async with client(server) as wire:
            await wire.end()
            assert await wire.ended()
        assert outcomes(server) == {}


async def test_client_that_leaves_or_resets_within_the_handshake_is_let_go(tmp_path: Path) -> None:
    async with proxy(settings(tmp_path)) as server:
        before = descriptors()
        async with client(server) as wire:
            await wire.send(HELLO)
            await until(lambda: server.active == 1)
            wire.reset()
            await until(lambda: server.active == 0)
        async with client(server) as wire:
            await wire.send(HELLO)
            await until(lambda: server.active == 1)
            await wire.end()
            assert await wire.ended()
        await until(lambda: descriptors() == before)
        assert sum(outcomes(server).values()) == 2


async def test_old_versions_are_refused(tmp_path: Path) -> None:
    context = client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with proxy(settings(tmp_path, tls={"minimum_version": "1.3"})) as server:
        with pytest.raises(ssl.SSLError, match="protocol version"):
            async with tls_client(server, context):
                pass
        await until(lambda: server.active == 0)
        assert outcomes(server) == {"tls-handshake": 1}


async def test_thousands_of_handshakes_leave_nothing_behind(tmp_path: Path) -> None:
    """Good ones, refused ones, and ones broken off, in turn; 200 here."""
    context = client_context()
    async with backend(hello) as app, proxy(settings(tmp_path, app.address)) as server:
        async with tls_client(server, context) as wire:
            await wire.send(GET)
            await wire.response()
        await until(lambda: server.active == 0)
        before = descriptors()
        for number in range(int(os.environ.get("HANDSHAKES", "200"))):
            async with client(server) as raw:
                await raw.send((HELLO, b"garbage")[number % 2])
            async with tls_client(server, context) as wire:
                await wire.send(GET)
                assert (await wire.response())[1] == b"ok"
        await until(lambda: server.active == 0)
        assert descriptors() == before
        assert len(server.wheel.members()) == 0


# ---------------------------------------------------------------------- what is told of it


async def test_backend_is_told_that_it_was_https(tmp_path: Path) -> None:
    heads: list[bytes] = []

    async def note(wire: Wire) -> None:
        heads.append(await wire.head())
        await wire.send(OK)

    async with backend(note) as app, proxy(settings(tmp_path, app.address)) as server:
        async with tls_client(server) as wire:
            await wire.send(GET[:-2] + b"X-Client-Cert-Verified: SUCCESS\r\nX-Forwarded-Proto: http\r\n\r\n")
            await wire.response()
    assert b"\r\nX-Forwarded-Proto: https\r\n" in heads[0]
    assert b"Client-Cert" not in heads[0]


@pytest.mark.parametrize(("mode", "shows"), [("optional", True), ("optional", False), ("required", True)])
async def test_backend_is_told_of_the_client_certificate(tmp_path: Path, mode: str, shows: bool) -> None:
    heads: list[bytes] = []

    async def note(wire: Wire) -> None:
        heads.append(await wire.head())
        await wire.send(OK)

    context = client_context()
    shown = certificate("client.example.com")
    if shows:
        shown.configure_cert(context)
    async with backend(note) as app:
        async with proxy(settings(tmp_path, app.address, tls={"client_certificates": mode})) as server:
            async with tls_client(server, context) as wire:
                await wire.send(GET[:-2] + b"X-Client-Cert-Verified: forged\r\nClient-Cert: forged\r\n\r\n")
                await wire.response()
    assert b"forged" not in heads[0]
    if not shows:
        assert b"\r\nX-Client-Cert-Verified: NONE\r\n" in heads[0]
        return
    told = x509.first_in_pem(shown.cert_chain_pems[0].bytes().decode())
    assert b"\r\nX-Client-Cert-Verified: SUCCESS\r\n" in heads[0]
    assert f"\r\nX-Client-Cert-Fingerprint: {told.fingerprint}\r\n".encode() in heads[0]
    assert b"\r\nClient-Cert: :MII" in heads[0]


@pytest.mark.parametrize(("mode", "signed_by", "why"), [
    ("required", "", "client-certificate-missing"),
    ("required", "strangers", "client-certificate-refused"),
    ("optional", "strangers", "client-certificate-refused"),
])  # fmt: skip
async def test_client_certificate_that_is_missing_or_unknown_is_refused(
    tmp_path: Path, mode: str, signed_by: str, why: str
) -> None:
    context = client_context()
    if signed_by:
        certificate("client.example.com", signed_by=signed_by).configure_cert(context)
    async with proxy(settings(tmp_path, tls={"client_certificates": mode})) as server:
        async with tls_client(server, context) as wire:  # in TLS 1.3 the client is done before it is judged
            with pytest.raises((ssl.SSLError, trio.BrokenResourceError)):
                await wire.rest()
        await until(lambda: server.active == 0)
        assert outcomes(server) == {why: 1}


async def test_session_is_resumed_with_its_client_certificate(tmp_path: Path) -> None:
    context = client_context()
    certificate("client.example.com").configure_cert(context)
    session = None
    async with backend(hello) as app:
        async with proxy(settings(tmp_path, app.address, tls={"client_certificates": "required"})) as server:
            for is_resumed in (False, True, True):
                async with tls_client(server, context, session=session) as wire:
                    await wire.send(GET)
                    assert (await wire.response())[1] == b"ok"
                    assert wire.tls.session_reused is is_resumed
                    session = wire.tls.session


# ---------------------------------------------------------------------- tcp


async def test_tcp_mode_carries_what_is_inside(tmp_path: Path) -> None:
    async with backend(echo) as app, proxy(settings(tmp_path, app.address, mode="tcp")) as server:
        async with tls_client(server) as wire:
            await wire.send(b"hello")
            await wire.end()
            assert await wire.rest() == b"hello"
        await until(lambda: server.active == 0)
        assert outcomes(server) == {"ok": 1}


async def test_tcp_mode_routes_by_server_name_and_ends_tls(tmp_path: Path) -> None:
    def says(word: bytes) -> Any:
        async def script(wire: Wire) -> None:
            await wire.send(word)
            await wire.end()

        return script

    async with backend(says(b"a")) as a, backend(says(b"rest")) as rest:
        pools = {n: Pool(name=n, backends=(Backend(address=b.address),)) for n, b in (("a", a), ("rest", rest))}
        web = Frontend(
            name="web", listen=(LOCALHOST,), mode="tcp", pool="rest", routes=(Route(host="a.example", pool="a"),),
            tls=tls_settings(tmp_path, "a.example", "b.example"),
        )  # fmt: skip
        async with proxy(Config(frontends={"web": web}, pools=pools)) as server:
            for name, expected in (("a.example", b"a"), ("b.example", b"rest")):
                async with tls_client(server, name=name) as wire:
                    assert await wire.rest() == expected


# ---------------------------------------------------------------------- ends


async def test_drain_waits_for_a_handshake_and_its_request(tmp_path: Path) -> None:
    gate = Gate()
    async with backend(gate) as app, proxy(settings(tmp_path, app.address)) as server:
        async with trio.open_nursery() as nursery:
            async with tls_client(server) as wire:
                await wire.send(GET)
                await until(lambda: gate.arrived == 1)
                nursery.start_soon(server.drain, 5.0)
                await until(lambda: server.frontends["web"].is_draining)
                gate.open()
                head, body = await wire.response()
                assert (body, b"Connection: close" in head) == (b"ok", True)
                assert await wire.ended()

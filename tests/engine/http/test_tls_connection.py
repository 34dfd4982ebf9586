"""HTTP to backends that speak TLS: whom it trusts, what it does when it must not, and that exchanges do not notice."""

from __future__ import annotations

import os
import ssl
from select import EPOLLIN
from typing import TYPE_CHECKING, Any

import pytest
import trio

from proxy.core.config import PoolTls
from proxy.serve.orders import ReopenFiles
from tests.engine.support import (
    GET,
    OK,
    Wire,
    always,
    ask,
    backend,
    client,
    config,
    hello,
    outcomes,
    proxy,
    reason,
    silent,
    status,
    until,
)
from tests.tls import authority_pem, server_context, tls_backend, write_authority, write_certificate

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.core.config import Config

POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"


@pytest.fixture
def ca(tmp_path: Path) -> str:
    return write_authority(tmp_path)


async def speak_first(wire: Wire) -> None:
    """As mail servers do, in plain text."""
    await wire.send(b"220 mail.example ESMTP\r\n")
    await wire.rest()


def over_tls(*backends: Any, ca: str | None = None, pool: dict[str, Any] | None = None, **tls: Any) -> Config:
    return config(*(b.address for b in backends), tls=PoolTls(ca=ca, **tls), **(pool or {}))


async def test_an_idle_connection_is_used_again(ca: str) -> None:
    async with (
        tls_backend(hello, server_context("127.0.0.1")) as app,
        proxy(over_tls(app, ca=ca)) as server,
        client(server) as wire,
    ):
        for _ in range(3):
            await wire.send(GET)
            assert (await wire.response())[1] == b"ok"
        (connection,) = server.pools["app"].backends[0].idle
        assert connection.is_reused
    assert app.connections == 1


async def test_the_server_name_is_asked_for_and_compared(ca: str, tmp_path: Path) -> None:
    asked: list[str | None] = []
    context = server_context("app.test")
    context.sni_callback = lambda _sock, name, _context: asked.append(name)
    async with (
        tls_backend(hello, context, str(tmp_path / "app.sock")) as app,
        proxy(over_tls(app, ca=ca, server_name="app.test")) as server,
    ):
        assert (await ask(server))[1] == b"ok"
    assert asked == ["app.test"]


@pytest.mark.parametrize(
    ("certificate", "signed_by"), [("other.test", "tests"), ("127.0.0.2", "tests"), ("127.0.0.1", "strangers")]
)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_certificate_that_does_not_prove_the_name_is_refused(
    ca: str, certificate: str, signed_by: str, version: ssl.TLSVersion, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    context = server_context(certificate, signed_by=signed_by)
    context.maximum_version = version
    async with tls_backend(hello, context) as app, proxy(over_tls(app, ca=ca)) as server:
        head, _ = await ask(server)
        assert (status(head), reason(head)) == (502, "dial/tls-certificate")
        await until(lambda: app.failed == 1)
    assert "certificate" in caplog.text.partition("tls-certificate: ")[2]  # OpenSSL's own words


async def test_with_the_authorities_of_the_system_a_private_one_is_refused() -> None:
    async with tls_backend(hello, server_context("127.0.0.1")) as app, proxy(over_tls(app)) as server:
        head, _ = await ask(server)
        assert reason(head) == "dial/tls-certificate"


async def test_without_verification_any_certificate_will_do() -> None:
    context = server_context("other.test", signed_by="strangers")
    async with tls_backend(hello, context) as app, proxy(over_tls(app, verify=False)) as server:
        assert (await ask(server))[1] == b"ok"


@pytest.mark.parametrize("request_", [GET, POST])
async def test_another_backend_is_tried_since_nothing_was_sent(ca: str, request_: bytes) -> None:
    async with (
        tls_backend(hello, server_context("other.test")) as wrong,
        backend(speak_first) as plain,
        tls_backend(hello, server_context("127.0.0.1")) as right,
        proxy(over_tls(wrong, plain, right, ca=ca)) as server,
    ):
        for _ in range(3):
            assert (await ask(server, request_))[1] == b"ok"
        assert outcomes(server) == {"ok": 3}


async def test_a_backend_that_speaks_no_tls(ca: str) -> None:
    async with backend(speak_first) as app, proxy(over_tls(app, ca=ca)) as server:
        head, _ = await ask(server)
        assert (status(head), reason(head)) == (502, "dial/tls-handshake")


async def test_a_backend_that_closes_within_the_handshake(ca: str) -> None:
    async def close(wire: Wire) -> None:
        await wire.more()

    async with backend(close) as app, proxy(over_tls(app, ca=ca)) as server:
        head, _ = await ask(server)
        assert reason(head) == "dial/tls-handshake"


async def test_a_backend_that_refuses_the_connection(ca: str) -> None:
    async with backend(hello) as app:
        pass
    async with proxy(over_tls(app, ca=ca)) as server:
        head, _ = await ask(server)
        assert reason(head) == "dial/connect-refused"


async def test_the_handshake_must_end_within_the_connect_timeout(ca: str) -> None:
    async with backend(silent) as app:
        settings = over_tls(app, ca=ca, pool={"pool_timeouts": {"connect": 0.1}})
        async with proxy(settings) as server:
            head, _ = await ask(server, POST)
            assert (status(head), reason(head)) == (504, "dial/connect-timeout")


async def test_a_client_that_leaves_during_the_handshake(ca: str) -> None:
    async with backend(silent) as app, proxy(over_tls(app, ca=ca)) as server:
        async with client(server) as wire:
            await wire.send(GET)
            await until(lambda: app.open == 1)
        await until(lambda: app.open == 0)
        assert outcomes(server) == {"client-gone": 1}


async def test_a_version_that_is_too_old(ca: str) -> None:
    context = server_context("127.0.0.1")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with tls_backend(hello, context) as app, proxy(over_tls(app, ca=ca, minimum_version="1.3")) as server:
        head, _ = await ask(server)
        assert reason(head) == "dial/tls-handshake"


def asks_for_certificate() -> ssl.SSLContext:
    context = server_context("127.0.0.1")
    context.load_verify_locations(cadata=authority_pem())
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_a_certificate_of_ours_is_shown_to_those_who_ask(ca: str, tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "rproxy.test", stem="client")
    settings = {"ca": ca, "certificate": certificate, "key": key}
    async with tls_backend(hello, asks_for_certificate()) as app, proxy(over_tls(app, **settings)) as server:
        assert (await ask(server))[1] == b"ok"


async def test_without_one_they_end_the_connection(ca: str) -> None:
    async with tls_backend(hello, asks_for_certificate()) as app, proxy(over_tls(app, ca=ca)) as server:
        head, _ = await ask(server)
        assert status(head) == 502
    assert app.failed == 2  # after the handshake, so that it looks like a lost request, which is sent again once


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_later_connection_goes_on_from_the_session_of_an_earlier_one(ca: str, version: ssl.TLSVersion) -> None:
    context = server_context("127.0.0.1")
    context.maximum_version = version
    script = always(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", then_close=True)
    async with tls_backend(script, context) as app, proxy(over_tls(app, ca=ca)) as server:
        for _ in range(3):
            assert (await ask(server))[1] == b"ok"
    assert (app.connections, app.resumed) == (3, 2)


async def test_a_large_body_both_ways(ca: str) -> None:
    body = bytes(range(256)) * 4096  # 1 MiB

    async def echo(wire: Wire) -> None:
        _, data = await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data)

    async with (
        tls_backend(echo, server_context("127.0.0.1")) as app,
        proxy(over_tls(app, ca=ca)) as server,
        client(server) as wire,
        trio.open_nursery() as nursery,
    ):
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
        nursery.start_soon(wire.send, head + body)
        assert (await wire.response())[1] == body


async def test_chunks_and_an_end_by_close(ca: str) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    async with tls_backend(script, server_context("127.0.0.1")) as app, proxy(over_tls(app, ca=ca)) as server:
        assert (await ask(server))[1] == b"all of it"


async def test_an_end_without_close_notify_is_no_end_of_a_body(ca: str) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
        wire.close()

    async with tls_backend(script, server_context("127.0.0.1")) as app, proxy(over_tls(app, ca=ca)) as server:
        async with client(server) as wire:
            await wire.send(GET)
            with pytest.raises(trio.BrokenResourceError):
                await wire.rest()
        assert outcomes(server) == {"backend-reset": 1}


async def test_a_tunnel_over_tls(ca: str) -> None:
    async def script(wire: Wire) -> None:
        await wire.head()
        await wire.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nfirst")
        assert await wire.exactly(4) == b"ping"
        await wire.send(b"pong")

    async with (
        tls_backend(script, server_context("127.0.0.1")) as app,
        proxy(over_tls(app, ca=ca)) as server,
        client(server) as wire,
    ):
        await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert status(await wire.head()) == 101
        assert await wire.exactly(5) == b"first"
        await wire.send(b"ping")
        assert await wire.rest() == b"pong"


async def test_tickets_that_come_late_do_not_spend_an_idle_connection(ca: str) -> None:
    """A server may send them at any time; OpenSSL's sends two behind the handshake, before it has read a request."""
    async with tls_backend(hello, server_context("127.0.0.1")) as app, proxy(over_tls(app, ca=ca)) as server:
        assert (await ask(server))[1] == b"ok"
        backend_ = server.pools["app"].backends[0]
        (connection,) = backend_.idle
        connection.on_event(0x1)  # EPOLLIN: there is nothing to read, as after a ticket
        assert backend_.idle == [connection]


async def test_an_idle_connection_that_the_backend_ends_is_let_go(ca: str) -> None:
    async with (
        tls_backend(always(OK, then_close=True), server_context("127.0.0.1")) as app,
        proxy(over_tls(app, ca=ca)) as server,
    ):
        assert (await ask(server))[1] == b"ok"
        await until(lambda: not server.pools["app"].backends[0].idle)
        assert (await ask(server))[1] == b"ok"


async def test_the_end_of_the_handshake_is_no_hang_up(ca: str) -> None:
    """Its own event finds an answer that is there already, and the connection is as good as any other."""

    async def answers_at_once(wire: Wire) -> None:
        await wire.send(OK)
        await wire.rest()

    async with tls_backend(answers_at_once, server_context("127.0.0.1")) as app, proxy(over_tls(app, ca=ca)) as server:
        seen: list[int] = []
        announce = server.reactor.announce
        server.reactor.announce = lambda fd, mask: (seen.append(mask), announce(fd, mask))[1]  # type: ignore[method-assign]
        assert (await ask(server))[1] == b"ok"
    assert seen == [EPOLLIN]


async def test_authorities_are_read_again_when_that_is_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Another authority has signed what the backend shows; its file has come under the old name by then."""
    ca, other = write_authority(tmp_path), write_authority(tmp_path, "others")
    async with (
        tls_backend(hello, server_context("127.0.0.1", signed_by="others")) as app,
        proxy(over_tls(app, ca=ca)) as server,
    ):
        assert status((await ask(server))[0]) == 502
        os.replace(other, ca)
        server.send(ReopenFiles())
        assert status((await ask(server))[0]) == 200
        os.truncate(ca, 0)
        server.send(ReopenFiles())
        assert "TLS to the backends stays as it was" in caplog.text
        assert status((await ask(server))[0]) == 200

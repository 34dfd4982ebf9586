"""Routes by the server name of TLS that passes through: the handshake is the backend's own, whole and unread."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import TcpAddress
from proxy.core.config import Backend, Config, Frontend, FrontendTimeouts, Pool, Route
from proxy.engine.arrival.sni import UNRECOGNIZED_NAME
from tests.core.client.test_client_hello import alpn, message, records, server_name
from tests.engine.support import LOCALHOST, Wire, backend, client, outcomes, proxy, until
from tests.tls import client_context, server_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from proxy.serve.server import Server


def names_itself(name: str) -> Callable[[Wire], Awaitable[None]]:
    async def script(wire: Wire) -> None:
        await wire.send(name.encode() + b" ")
        while data := await wire.stream.receive_some(65536):
            await wire.send(data)
        await wire.end()

    return script


@asynccontextmanager
async def routed(otherwise: str | None = "rest", **timeouts: float) -> AsyncIterator[Server]:
    """Backends that say who they are and then echo: one for a.test, one for *.b.test, one for the rest."""
    async with (
        backend(names_itself("a")) as a,
        backend(names_itself("b")) as b,
        backend(names_itself("rest")) as rest,
    ):
        web = Frontend(
            name="web", listen=(LOCALHOST,), mode="tcp", pool=otherwise, timeouts=FrontendTimeouts(**timeouts),
            routes=(Route(host="a.test", pool="a"), Route(host="*.b.test", pool="b")),
        )  # fmt: skip
        pools = {
            name: Pool(name=name, backends=(Backend(address=scripted.address),))
            for name, scripted in (("a", a), ("b", b), ("rest", rest))
        }
        async with proxy(Config(frontends={"web": web}, pools=pools)) as server:
            yield server


def hello(name: str | None) -> bytes:
    return records(message(*([server_name(name.encode())] if name else []), alpn(b"h2")))


@pytest.mark.parametrize(
    ("name", "served_by"),
    [("a.test", b"a"), ("A.Test", b"a"), ("x.b.test", b"b"), ("b.test", b"rest"), ("other", b"rest"), (None, b"rest")],
)
async def test_the_server_name_chooses_the_pool_and_every_byte_arrives(name: str | None, served_by: bytes) -> None:
    async with routed() as server, client(server) as wire:
        await wire.send(hello(name) + b"what follows")
        await wire.end()
        assert await wire.rest() == served_by + b" " + hello(name) + b"what follows"


async def test_a_hello_that_comes_byte_by_byte_in_records_of_one() -> None:
    data = records(message(server_name(b"a.test")), 1)
    async with routed() as server, client(server) as wire:
        await wire.send_slowly(data)
        assert await wire.exactly(2 + len(data)) == b"a " + data


@pytest.mark.parametrize("name", ["unknown.test", None])
async def test_without_a_pool_for_the_rest_the_client_gets_an_alert(name: str | None) -> None:
    async with routed(otherwise=None) as server, client(server) as wire:
        await wire.send(hello(name))
        assert await wire.rest() == UNRECOGNIZED_NAME
    assert outcomes(server) == {"no-route": 1}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "not-tls"),
        (b"\x16\3\1\0\4\1\0\0\0", "client-hello"),
        (b"\x16\3\1\x40\0\1\0\x3f\xf0", "client-hello-too-large"),
    ],
)
async def test_what_is_no_hello_reaches_no_backend(data: bytes, reason: str) -> None:
    async with routed() as server, client(server) as wire:
        await wire.send(data)
        with pytest.raises((AssertionError, trio.BrokenResourceError)):
            await wire.exactly(1)
    assert outcomes(server) == {reason: 1}


async def test_a_real_handshake_passes_through_to_the_backend_that_has_the_certificate() -> None:
    async def answer(stream: trio.SSLStream[trio.SocketStream]) -> None:
        await stream.send_all(await stream.receive_some(100))
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_ssl_over_tcp, answer, 0, server_context("a.test"))
        listening = listeners[0].transport_listener.socket.getsockname()
        app = Pool(name="a", backends=(Backend(address=TcpAddress("127.0.0.1", listening[1])),))
        web = Frontend(name="web", listen=(LOCALHOST,), mode="tcp", routes=(Route(host="a.test", pool="a"),))
        async with proxy(Config(frontends={"web": web}, pools={"a": app})) as server, client(server) as wire:
            stream = trio.SSLStream(wire.stream, client_context(), server_hostname="a.test")
            await stream.send_all(b"in secret")
            assert await stream.receive_some(100) == b"in secret"
            await stream.aclose()
        nursery.cancel_scope.cancel()


async def test_a_client_that_says_nothing_has_a_deadline() -> None:
    async with routed(tls_handshake=0.1) as server, client(server) as wire:
        await wire.send(hello("a.test")[:20])
        assert not await wire.ended()  # a reset, because nobody read what it had sent
    assert outcomes(server) == {"client-hello-timeout": 1}


async def test_a_client_that_leaves_within_its_hello() -> None:
    async with routed() as server:
        async with client(server) as wire:
            await wire.send(hello("a.test")[:20])
            await wire.end()
        async with client(server) as wire:
            await wire.end()
            assert await wire.ended()
        async with client(server) as wire:
            await wire.send(hello("a.test")[:20])
            wire.reset()
        await until(lambda: outcomes(server) == {"client-gone": 1, "client-reset": 1})


async def test_a_client_that_ends_its_side_behind_the_hello_is_routed() -> None:
    async with routed() as server, client(server) as wire:
        await wire.send(hello("a.test")[:20])
        await until(lambda: server.active == 1)
        await wire.send(hello("a.test")[20:])
        await wire.end()
        assert await wire.rest() == b"a " + hello("a.test")

"""Probes, and what they do to a backend's state."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from proxy.core.address import TcpAddress, UnixAddress, parse_address
from proxy.core.config import Backend, Config, Frontend, HealthCheck, Pool, PoolTls
from proxy.engine.backend import LiveBackend
from proxy.engine.tls.backend_tls import BackendTls, make_context
from proxy.serve.backends.health_checks import probe
from proxy.serve.one_process import serve
from tests.engine.support import hello
from tests.tls import server_context, tls_backend, write_authority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from proxy.core.address import Address
    from proxy.serve.server import Server

    Handler = Callable[[trio.SocketStream], Awaitable[None]]

QUICK = HealthCheck(interval=0.02, timeout=0.2, rise=2, fall=2)


def answering(status: bytes) -> Handler:
    async def handler(stream: trio.SocketStream) -> None:
        await stream.receive_some(4096)
        await stream.send_all(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")

    return handler


async def silent(stream: trio.SocketStream) -> None:
    await trio.sleep_forever()


@asynccontextmanager
async def listening(handler: Handler, port: int = 0) -> AsyncIterator[TcpAddress]:
    """A server on 127.0.0.1 while the block runs."""
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(serve_tcp, handler, port)
        yield TcpAddress("127.0.0.1", listeners[0].socket.getsockname()[1])
        nursery.cancel_scope.cancel()


async def serve_tcp(handler: Handler, port: int, *, task_status: trio.TaskStatus[list[trio.SocketListener]]) -> None:
    await trio.serve_tcp(handler, port, host="127.0.0.1", task_status=task_status)


async def test_a_connect_is_enough_without_a_path() -> None:
    async with listening(silent) as address:
        assert await probe(LiveBackend(address), HealthCheck())


@pytest.mark.parametrize(("status", "is_good"), [(b"200 OK", True), (b"302 Found", True), (b"500 Oops", False)])
async def test_with_a_path_the_status_decides(status: bytes, is_good: bool) -> None:
    async with listening(answering(status)) as address:
        assert await probe(LiveBackend(address), HealthCheck(path="/healthz")) is is_good


async def test_no_answer_in_time_is_a_bad_one() -> None:
    async with listening(silent) as address:
        with trio.fail_after(2):
            assert not await probe(LiveBackend(address), HealthCheck(path="/", timeout=0.05))


async def test_a_closed_connection_is_a_bad_answer() -> None:
    async def handler(stream: trio.SocketStream) -> None:
        await stream.receive_some(4096)

    async with listening(handler) as address:
        assert not await probe(LiveBackend(address), HealthCheck(path="/"))


async def test_nobody_there_is_a_bad_answer(tmp_path: Path) -> None:
    assert not await probe(LiveBackend(UnixAddress(f"{tmp_path}/none.sock")), HealthCheck())
    assert not await probe(LiveBackend(parse_address("not-resolved.invalid:80")), HealthCheck())


@asynccontextmanager
async def serving(*addresses: TcpAddress, check: HealthCheck | None) -> AsyncIterator[Server]:
    pool = Pool(name="app", backends=tuple(Backend(address=a) for a in addresses), health_check=check)
    web = Frontend(name="web", listen=(TcpAddress("127.0.0.1", 0),), pool="app")
    async with trio.open_nursery() as nursery:
        yield await nursery.start(serve, Config(frontends={"web": web}, pools={"app": pool}))
        nursery.cancel_scope.cancel()


async def until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(5):
        while not condition():  # noqa: ASYNC110 - a state in memory has no event
            await trio.sleep(0.005)


async def test_a_backend_leaves_and_comes_back_and_each_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    first = trio.socket.socket()
    await first.bind(("127.0.0.1", 0))
    first.listen()
    address = TcpAddress("127.0.0.1", first.getsockname()[1])
    async with listening(silent) as other, serving(address, other, check=QUICK) as server:
        backend = server.pools["app"].backends[0]
        first.close()
        await until(lambda: not backend.is_healthy)
        assert not backend.is_ready
        async with listening(silent, address.port):
            await until(lambda: backend.is_healthy)
    states = [record.getMessage() for record in caplog.records if str(address) in record.getMessage()]
    assert states == [f"app: backend {address} is unhealthy", f"app: backend {address} is healthy"]


async def test_without_checks_a_healthy_backend_is_not_probed() -> None:
    connects = 0

    async def counting(stream: trio.SocketStream) -> None:
        nonlocal connects
        connects += 1

    async with listening(counting) as address, serving(address, check=None):
        await trio.testing.wait_all_tasks_blocked(0.05)
    assert connects == 0


def over_tls(address: Address, tmp_path: Path) -> LiveBackend:
    settings = PoolTls(ca=write_authority(tmp_path))
    return LiveBackend(address, tls=BackendTls(make_context(settings), settings, address))


@pytest.mark.parametrize("path", [None, "/healthz"])
async def test_where_the_pool_speaks_tls_the_probe_does_too(path: str | None, tmp_path: Path) -> None:
    async with tls_backend(hello, server_context("127.0.0.1")) as app:
        assert await probe(over_tls(app.address, tmp_path), HealthCheck(path=path))
    async with listening(silent) as address:
        assert not await probe(over_tls(address, tmp_path), HealthCheck(path=path, timeout=0.05))


async def test_a_wrong_certificate_is_a_bad_answer_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with tls_backend(hello, server_context("other.test")) as app:
        backend = over_tls(app.address, tmp_path)
        assert not await probe(backend, HealthCheck())
        assert not await probe(backend, HealthCheck())
    (record,) = [record for record in caplog.records if "probe" in record.getMessage()]
    assert "tls-certificate: IP address mismatch" in record.getMessage()

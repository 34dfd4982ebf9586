"""Bodies, tunnels and connections over TLS: clients that read slowly, end one direction, or leave unannounced."""

# ruff: noqa: SIM117 - a backend, a proxy before it, clients before that: nested as they are

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import trio

from tests.engine.support import OK, Wire, backend, config, echo, outcomes, proxy, until
from tests.engine.tls_wire import TlsWire, tls_client, tls_settings

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.core.config import Config

BODY = os.urandom(3 << 20)
UPGRADE = b"GET /up HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


def settings(directory: Path, *backends: Any, **more: Any) -> Config:
    return config(*backends, frontend={"tls": tls_settings(directory)}, **more)


async def read_slowly(wire: TlsWire, size: int) -> bytes:
    """The proxy is stopped by a full socket again and again."""
    pieces = [wire.buffer]
    wire.buffer = b""
    while sum(map(len, pieces)) < size:
        pieces.append(await wire.stream.receive_some(50_000))
        if len(pieces) % 8 == 0:
            await trio.sleep(0.001)
    return b"".join(pieces)


@pytest.mark.parametrize("framing", ["length", "chunks", "close"])
async def test_download_to_a_slow_reader_arrives_whole(tmp_path: Path, framing: str) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        if framing == "chunks":
            await wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for start in range(0, len(BODY), 300_000):
                piece = BODY[start : start + 300_000]
                await wire.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            await wire.send(b"0\r\n\r\n")
        else:
            length = b"Content-Length: %d\r\n" % len(BODY) if framing == "length" else b""
            await wire.send(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n" + BODY)

    async with backend(script) as app, proxy(settings(tmp_path, app.address)) as server:
        async with tls_client(server) as wire:
            if framing == "close":  # to HTTP/1.0 the end of the body is the end of the connection, with close_notify
                await wire.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
                await wire.head()
                assert await read_slowly(wire, len(BODY)) == BODY
                assert await wire.rest() == b""
                return
            await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            if framing == "length":
                await wire.head()
                assert await read_slowly(wire, len(BODY)) == BODY
            else:
                assert (await wire.response())[1] == BODY


@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_upload_arrives_whole_and_the_next_request_behind_it(tmp_path: Path, framing: str) -> None:
    bodies: list[bytes] = []

    async def script(wire: Wire) -> None:
        while True:
            bodies.append((await wire.request())[1])
            await wire.send(OK)

    if framing == "length":
        data = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
    else:
        chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
        data = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    async with backend(script) as app, proxy(settings(tmp_path, app.address)) as server:
        async with tls_client(server) as wire:
            await wire.send(data + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
            for _ in range(4):
                assert (await wire.response())[1] == b"ok"
    assert bodies == [BODY, b"", b"", b""]


async def test_many_small_requests_in_few_records_are_all_answered(tmp_path: Path) -> None:
    """More than one read takes: what is left stays decrypted in memory, of which the kernel tells nothing."""
    async with backend(lambda wire: answer_all(wire)) as app, proxy(settings(tmp_path, app.address)) as server:
        async with tls_client(server) as wire:
            await wire.send((b"GET / HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n" % (b"x" * 300)) * 400)
            for _ in range(400):
                assert (await wire.response())[1] == b"ok"


async def answer_all(wire: Wire) -> None:
    while True:
        await wire.request()
        await wire.send(OK)


async def test_echo_of_megabytes_with_half_close(tmp_path: Path) -> None:
    async with backend(echo) as app, proxy(settings(tmp_path, app.address, mode="tcp")) as server:
        async with tls_client(server) as wire, trio.open_nursery() as nursery:

            async def send() -> None:
                await wire.send(BODY)
                await wire.end()

            nursery.start_soon(send)
            assert await read_slowly(wire, len(BODY)) == BODY
            assert await wire.rest() == b""
        await until(lambda: server.active == 0)
        assert outcomes(server) == {"ok": 1}


async def test_backend_that_ends_first_leaves_the_other_direction_open(tmp_path: Path) -> None:
    got: list[bytes] = []

    async def script(wire: Wire) -> None:
        await wire.send(BODY)
        await wire.end()
        got.append(await wire.rest())

    async with backend(script) as app, proxy(settings(tmp_path, app.address, mode="tcp")) as server:
        async with tls_client(server) as wire:
            assert await read_slowly(wire, len(BODY)) == BODY
            assert await wire.rest() == b""
            await wire.send(BODY)
            await wire.end()
            await until(lambda: bool(got))
    assert got == [BODY]


async def test_tunnel_carries_both_ways(tmp_path: Path) -> None:
    async def script(wire: Wire) -> None:
        await wire.head()
        await wire.send(SWITCHED + b"first")
        await echo(wire)

    async with backend(script) as app, proxy(settings(tmp_path, app.address)) as server:
        async with tls_client(server) as wire:
            await wire.send(UPGRADE + b"early")
            assert (await wire.head()).startswith(b"HTTP/1.1 101")
            assert await wire.exactly(10) == b"firstearly"
            await wire.send(BODY[:500_000])
            assert await wire.exactly(500_000) == BODY[:500_000]
            await wire.end()
            assert await wire.rest() == b""


# ---------------------------------------------------------------------- ends that nobody announced


async def test_body_cut_by_a_bare_end_of_tcp_is_no_whole_body(tmp_path: Path) -> None:
    ends: list[bool] = []

    async def script(wire: Wire) -> None:
        await wire.head()
        try:
            await wire.exactly(1000)
        except (EOFError, trio.BrokenResourceError):
            ends.append(True)

    async with backend(script) as app, proxy(settings(tmp_path, app.address)) as server:
        async with tls_client(server) as wire:
            await wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf")
            await until(lambda: app.connections == 1)
            await wire.raw.send_eof()  # of TCP, without close_notify
            await until(lambda: server.active == 0)
        await until(lambda: ends == [True])
        assert outcomes(server) == {"client-gone": 1}


async def test_stream_cut_by_a_bare_end_of_tcp_is_passed_on_as_a_reset(tmp_path: Path) -> None:
    ends: list[str] = []

    async def script(wire: Wire) -> None:
        try:
            await wire.rest()
            ends.append("clean")
        except trio.BrokenResourceError:
            ends.append("reset")

    async with backend(script) as app, proxy(settings(tmp_path, app.address, mode="tcp")) as server:
        async with tls_client(server) as wire:
            await wire.send(b"half")
            await until(lambda: app.connections == 1)
            await wire.raw.send_eof()
            await until(lambda: bool(ends))
        assert ends == ["reset"]
        await until(lambda: server.active == 0)
        assert outcomes(server) == {"client-reset": 1}


async def test_answer_cut_by_the_backend_is_seen_as_cut(tmp_path: Path) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + BODY[:500_000])

    async with backend(script) as app, proxy(settings(tmp_path, app.address)) as server:
        async with tls_client(server) as wire:
            await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            with pytest.raises((trio.BrokenResourceError, EOFError)):
                await wire.response()
        assert outcomes(server) == {"closed-in-body": 1}


async def test_idle_client_that_leaves_without_close_notify_is_no_failure(tmp_path: Path) -> None:
    async with backend(answer_all) as app, proxy(settings(tmp_path, app.address)) as server:
        async with tls_client(server) as wire:
            await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await wire.response()
            await wire.raw.send_eof()
            await until(lambda: server.active == 0)
        assert outcomes(server) == {"ok": 1}


async def test_memory_for_a_client_that_reads_nothing_is_bounded(tmp_path: Path) -> None:
    async with backend(lambda wire: flood(wire)) as app, proxy(settings(tmp_path, app.address)) as server:
        async with tls_client(server) as wire:
            await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await until(lambda: app.open == 1)
            await trio.testing.wait_all_tasks_blocked(0.05)
            (session,) = (timed for timed in server.wheel.members() if hasattr(timed, "sock"))
            assert 0 < sum(map(len, session.sock._unsent)) < 5 * 17_000


async def flood(wire: Wire) -> None:
    await wire.request()
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (100 * len(BODY)))
    for _ in range(100):
        await wire.send(BODY)

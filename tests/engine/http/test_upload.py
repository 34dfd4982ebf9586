"""Request bodies on their way to a backend: streamed, framed anew, and what happens when one side stops."""

# ruff: noqa: SIM117 - a backend, a proxy before it, clients before that: nested as they are

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from proxy.core.address import TcpAddress
from proxy.engine.flow import Pipe
from tests.engine.support import (
    OK,
    Wire,
    ask,
    backend,
    client,
    config,
    descriptors,
    outcomes,
    proxy,
    reason,
    slots,
    status,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

BIG = 32 << 20  # more than the kernel takes in on both sides
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def with_length(size: int, *fields: bytes) -> bytes:
    return b"\r\n".join([b"POST / HTTP/1.1", b"Host: a", b"Content-Length: %d" % size, *fields, b"", b""])


class Recorder:
    """Keeps what came, as it came, and answers."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.heads: list[bytes] = []

    async def __call__(self, wire: Wire) -> None:
        while True:
            head = await wire.head()
            self.heads.append(head)
            self.bodies.append(await wire.body(head))
            await wire.send(OK)


def stops_reading(*, answer: bytes = b"", after: int = 100_000) -> Callable[[Wire], Awaitable[None]]:
    """Reads some of the body, answers, and closes over the rest, which resets the connection."""

    async def script(wire: Wire) -> None:
        await wire.head()
        await wire.exactly(after)
        await wire.send(answer)

    return script


# ---------------------------------------------------------------------- bodies arrive


@pytest.mark.parametrize("size", [1, 100, 40_000, 4 << 20])
async def test_body_with_a_length_arrives_whole(size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    record = Recorder()
    async with backend(record) as app, proxy(config(app.address)) as server, client(server) as wire:
        for _ in range(2):
            await wire.send(with_length(size) + body[:size])
            assert (await wire.response())[1] == b"ok"
        assert app.connections == 1
    assert record.bodies == [body[:size]] * 2


async def test_chunks_are_made_anew_extensions_dropped_and_trailers_filtered() -> None:
    seen: list[bytes] = []

    async def to_trailers(wire: Wire) -> None:
        await wire.head()
        seen.append(await wire.until(b"\r\n0\r\n"))
        seen.append(await wire.until(b"\r\n\r\n"))
        await wire.send(OK)

    async with backend(to_trailers) as app, proxy(config(app.address)) as server:
        body = b"3;ext=1\r\nabc\r\n0004\r\ndefg\r\n0\r\nX-Sum: 1\r\nHost: evil\r\n\r\n"
        assert (await ask(server, CHUNKED + body))[1] == b"ok"
    assert seen == [b"7\r\nabcdefg\r\n0\r\n", b"X-Sum: 1\r\n\r\n"]


@pytest.mark.parametrize("size", [100, 40_000, 4 << 20])
async def test_chunked_body_in_pieces_arrives_whole(size: int) -> None:
    record = Recorder()
    piece = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    count = size // 4096 + 1
    async with backend(record) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(CHUNKED)
        await wire.send(piece * count)
        await wire.send(b"0\r\n\r\n")
        assert (await wire.response())[1] == b"ok"
    assert record.bodies[0].count(b"x") == 4096 * count


async def test_body_one_byte_at_a_time_arrives_whole() -> None:
    record = Recorder()
    async with backend(record) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send_slowly(with_length(10) + b"0123456789")
        assert (await wire.response())[1] == b"ok"
    assert record.bodies == [b"0123456789"]


async def test_body_waits_for_100_continue() -> None:
    async def polite(wire: Wire) -> None:
        head = await wire.head()
        assert b"Expect: 100-continue\r\n" in head
        await wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await wire.body(head) == b"body"
        await wire.send(OK)

    async with backend(polite) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(with_length(4, b"Expect: 100-continue"))
        assert await wire.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await wire.send(b"body")
        assert (await wire.response())[1] == b"ok"


async def test_refusal_instead_of_100_continue_closes_the_connection() -> None:
    """The client may send the body or not; nobody could tell it from the next request."""

    async def refuse(wire: Wire) -> None:
        await wire.head()
        await wire.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        await wire.rest()

    async with backend(refuse) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(with_length(4, b"Expect: 100-continue"))
        head, _ = await wire.response()
        assert status(head) == 401
        assert b"Connection: close\r\n" in head
        assert await wire.ended()


# ---------------------------------------------------------------------- the backend answers early, or leaves


@pytest.mark.parametrize("request_head", [with_length(BIG), CHUNKED + b"%x\r\n" % BIG])
async def test_answer_to_an_unfinished_upload_reaches_the_client(request_head: bytes) -> None:
    async def early(wire: Wire) -> None:
        await wire.head()
        await wire.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await wire.rest()

    async with backend(early) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(request_head + b"x" * 1000)
        head, _ = await wire.response()
        assert status(head) == 413
        assert b"Connection: close\r\n" in head
        await until(lambda: slots(server) == 0 and app.open == 0)
        assert outcomes(server) == {"ok": 1}


async def send_while_it_lasts(wire: Wire, data: bytes) -> None:
    try:
        await wire.send(data)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("is_reused", [False, True])
@pytest.mark.parametrize("request_head", [with_length(BIG), CHUNKED + b"%x\r\n" % BIG], ids=["length", "chunked"])
async def test_answer_of_a_backend_that_closes_over_the_body_reaches_the_client(
    request_head: bytes, is_reused: bool, at_once: bool
) -> None:
    """The reset may come with the answer or behind it; while we write or while we read."""
    too_large = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig"

    async def early(wire: Wire) -> None:
        if is_reused:
            await wire.request()
            await wire.send(OK)
        await wire.head()
        if at_once:
            await trio.testing.wait_all_tasks_blocked()  # the proxy waits until it can write more
        await wire.send(too_large)
        if not at_once:
            await trio.testing.wait_all_tasks_blocked()  # the answer has been read

    async with backend(early) as app, proxy(config(app.address)) as server:
        if is_reused:
            await ask(server)
        async with client(server) as wire, trio.open_nursery() as nursery:
            nursery.start_soon(send_while_it_lasts, wire, request_head + b"x" * BIG)
            head, body = await wire.response()
            assert (status(head), body) == (413, b"big")
            wire.close()


async def test_pipe_of_an_upload_that_the_backend_cuts_is_given_back() -> None:
    async with backend(stops_reading(after=1 << 20)) as app, proxy(config(app.address)) as server:
        held = []
        for _ in range(3):
            async with client(server) as wire, trio.open_nursery() as nursery:
                nursery.start_soon(send_while_it_lasts, wire, with_length(BIG) + b"x" * BIG)
                assert status((await wire.response())[0]) == 502
                wire.close()
            await until(lambda: server.active == 0 and app.open == 0)
            held.append(descriptors() - 2 * len(Pipe._free))
        assert held == held[:1] * 3


async def test_backend_that_leaves_in_the_middle_is_502() -> None:
    async with backend(stops_reading()) as app, proxy(config(app.address)) as server, client(server) as wire:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_while_it_lasts, wire, with_length(BIG) + b"x" * BIG)
            head, _ = await wire.response()
            assert status(head) == 502
            assert reason(head) in ("answer/backend-reset", "answer/closed-before-answer")
            wire.close()


# ---------------------------------------------------------------------- the client stops


@pytest.mark.parametrize("by_reset", [False, True])
@pytest.mark.parametrize("request_head", [with_length(BIG), CHUNKED + b"%x\r\n" % BIG], ids=["length", "chunked"])
async def test_client_that_leaves_in_the_middle_frees_slot_and_connection(request_head: bytes, by_reset: bool) -> None:
    async def take_all(wire: Wire) -> None:
        await wire.rest()

    async with backend(take_all) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(request_head + b"x" * 500_000)
        await until(lambda: slots(server) == 1)
        if by_reset:
            wire.reset()
        else:
            wire.close()
        await until(lambda: slots(server) == 0 and app.open == 0)
        assert len(outcomes(server)) == 1
        assert "ok" not in outcomes(server)


async def test_client_that_falls_silent_in_its_body_is_408() -> None:
    async with backend(Recorder()) as app:
        async with proxy(config(app.address, timeouts={"request_body": 0.1})) as server, client(server) as wire:
            await wire.send(with_length(10) + b"12345")
            head, _ = await wire.response()
            assert (status(head), reason(head)) == (408, "read/request-body-timeout")
            assert slots(server) == 0


@pytest.mark.slow
async def test_body_with_pauses_shorter_than_the_timeout_is_not_cut() -> None:
    async with backend(Recorder()) as app:
        settings = config(app.address, timeouts={"request_body": 0.5}, limits={"body_rate": 0})
        async with proxy(settings) as server, client(server) as wire:
            await wire.send(with_length(6))
            for byte in (b"a", b"b", b"c", b"d", b"e", b"f"):
                await trio.sleep(0.12)
                await wire.send(byte)
            assert (await wire.response())[1] == b"ok"


async def drip(wire: Wire, data: bytes, pause: float = 0.02) -> None:
    """Until the other side takes no more."""
    try:
        while True:
            await wire.send(data)
            await trio.sleep(pause)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (with_length(1000), b"x"),
        (CHUNKED, b"1\r\nx\r\n"),
        (CHUNKED + b"5;", b"x"),  # within a chunk extension
        (CHUNKED + b"0\r\n", b"A: b\r\n"),  # within the trailers
    ],
    ids=["length", "chunks", "extension", "trailers"],
)
async def test_client_that_drips_is_told_so_and_frees_the_slot(begin: bytes, drop: bytes) -> None:
    """No pause is as long as `timeouts.request_body`."""
    async with backend(Recorder()) as app:
        settings = config(app.address, timeouts={"request_body": 0.4}, limits={"body_rate": 1000})
        async with proxy(settings) as server, client(server) as wire:
            await wire.send(begin)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(drip, wire, drop)
                head, _ = await wire.response()
                assert (status(head), reason(head)) == (408, "read/request-body-too-slow")
                assert slots(server) == 0
                wire.close()


@pytest.mark.slow
async def test_client_above_the_rate_goes_on() -> None:
    async with backend(Recorder()) as app:
        settings = config(app.address, timeouts={"request_body": 0.3}, limits={"body_rate": 1000})
        async with proxy(settings) as server, client(server) as wire:
            await wire.send(with_length(20 * 200))
            for _ in range(20):  # some 10,000 bytes per second, for several periods
                await wire.send(b"x" * 200)
                await trio.sleep(0.02)
            assert (await wire.response())[1] == b"ok"


@pytest.mark.slow
async def test_time_that_a_backend_takes_is_not_the_clients(tmp_path: Path) -> None:
    """It sleeps for longer than a period, and then the client for less: at this rate that is time for 1.5 MiB, and both
    together for 5. The wheel looks often."""
    size = 4 << 20

    async def sleeper(wire: Wire) -> None:
        await wire.head()
        await trio.sleep(0.6)
        await wire.exactly(size)
        await wire.send(OK)

    async with backend(sleeper, str(tmp_path / "app")) as app:
        settings = config(
            app.address, timeouts={"request_body": 0.5}, limits={"body_rate": 6 << 20}, pool_timeouts={"queue": 0.1}
        )
        async with proxy(settings) as server, client(server) as wire:
            await wire.send(with_length(size) + b"x" * (size - 1))
            await trio.sleep(0.25)
            await wire.send(b"x")
            assert (await wire.response())[1] == b"ok"


@pytest.mark.slow
async def test_backend_that_takes_nothing_is_504() -> None:
    async def deaf(wire: Wire) -> None:
        await wire.head()
        await trio.sleep_forever()

    async with backend(deaf) as app:
        async with proxy(config(app.address, pool_timeouts={"send": 0.2})) as server, client(server) as wire:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(send_while_it_lasts, wire, with_length(64 << 20) + b"x" * (64 << 20))
                head, _ = await wire.response()
                assert (status(head), reason(head)) == (504, "write/backend-takes-nothing")
                wire.close()


@pytest.mark.parametrize(
    ("sent", "expected", "why"),
    [
        (b"3\r\nabc\r\nzz\r\n", 400, "parse/chunk-syntax"),
        (b"3\r\nabcd", 400, "parse/chunk-syntax"),
        (b"5\r\nabcde\r\n8\r\n12345678\r\n", 413, "parse/body-too-large"),
    ],
)
async def test_fault_in_the_middle_of_the_chunks_is_told_and_the_backend_sees_a_cut(
    sent: bytes, expected: int, why: str
) -> None:
    async def read(wire: Wire) -> None:
        with pytest.raises((EOFError, trio.BrokenResourceError)):
            await wire.request()

    async with backend(read) as app, proxy(config(app.address, limits={"body": 10})) as server, client(server) as wire:
        await wire.send(CHUNKED)
        await until(lambda: slots(server) == 1)
        await wire.send(sent)
        head, _ = await wire.response()
        assert (status(head), reason(head)) == (expected, why)
        await until(lambda: app.open == 0)


async def test_client_whose_end_came_with_half_a_body_is_gone() -> None:
    """The end was announced together with the head, so that only reading finds it."""
    for head in (with_length(10), CHUNKED + b"a\r\n"):
        async with backend(Recorder()) as app, proxy(config(app.address)) as server:
            address = server.addresses["web"][0]
            assert isinstance(address, TcpAddress)
            with socket.create_connection((address.host, address.port)) as sock:  # no other task runs meanwhile
                sock.sendall(head + b"12345")
                sock.shutdown(socket.SHUT_WR)
            await until(lambda: sum(outcomes(server).values()) == 1)
            assert "ok" not in outcomes(server)


async def test_fault_in_the_body_after_the_answer_began_is_a_visible_cut() -> None:
    async def early(wire: Wire) -> None:
        await wire.head()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
        await wire.rest()

    async with backend(early) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(CHUNKED)
        await wire.until(b"12345")
        await wire.send(b"zz\r\n")
        assert not await wire.ended()
        assert outcomes(server) == {"chunk-syntax": 1}


async def test_answer_that_comes_after_the_backend_stopped_reading_reaches_the_client(tmp_path: Path) -> None:
    async def deaf_then_speaks(wire: Wire) -> None:
        await wire.head()
        wire.sock.shutdown(socket.SHUT_RD)
        await trio.testing.wait_all_tasks_blocked()
        await wire.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await trio.sleep_forever()

    async with backend(deaf_then_speaks, str(tmp_path / "app")) as app, proxy(config(app.address)) as server:
        async with client(server) as wire, trio.open_nursery() as nursery:
            nursery.start_soon(send_while_it_lasts, wire, with_length(BIG) + b"x" * BIG)
            head, _ = await wire.response()
            assert status(head) == 413
            wire.close()

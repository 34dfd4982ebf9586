"""Response bodies on their way to a client: streamed, framed for the client at hand, never cut without a sign."""

# ruff: noqa: SIM117 - a backend, a proxy before it, clients before that: nested as they are

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from proxy.engine.http.download import Download
from tests.engine.support import (
    GET,
    Wire,
    always,
    ask,
    backend,
    client,
    config,
    outcomes,
    proxy,
    reason,
    slots,
    status,
    undo_chunks,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BIG = 4 << 20
GET_1_0 = b"GET / HTTP/1.0\r\n\r\n"


def length(size: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\n"


def chunked(body: bytes, size: int = 5000) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def once(*parts: bytes, reset: bool = False) -> Callable[[Wire], Awaitable[None]]:
    """Sends the parts, each when the one before it has been passed on, and ends."""

    async def script(wire: Wire) -> None:
        await wire.request()
        for part in parts:
            await wire.send(part)
            await trio.testing.wait_all_tasks_blocked()
        if reset:
            wire.reset()

    return script


# ---------------------------------------------------------------------- bodies arrive


@pytest.mark.parametrize("size", [0, 1, 100, 20_000, 70_000, BIG])
async def test_body_with_a_length_arrives_whole_and_the_connections_go_on(size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    answer = length(size) + body[:size]
    async with backend(always(answer)) as app, proxy(config(app.address)) as server, client(server) as wire:
        for _ in range(3):
            await wire.send(GET)
            assert (await wire.response())[1] == body[:size]
        assert app.connections == 1


@pytest.mark.parametrize("size", [0, 1, 20_000, BIG])
async def test_chunked_body_arrives_whole_and_the_connections_go_on(size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    answer = CHUNKED + chunked(body[:size])
    async with backend(always(answer)) as app, proxy(config(app.address)) as server, client(server) as wire:
        for _ in range(3):
            await wire.send(GET)
            assert (await wire.response())[1] == body[:size]
        assert app.connections == 1


WITH_TRAILERS = CHUNKED + b"2;x=y\r\nok\r\n0\r\nX-Sum: 1\r\nSet-Cookie: a\r\nX_Sum: 2\r\n\r\n"


async def test_trailers_are_filtered() -> None:
    async with backend(always(WITH_TRAILERS)) as app, proxy(config(app.address)) as server, client(server) as wire:
        for _ in range(2):
            await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: TE\r\nTE: trailers\r\n\r\n")
            assert await wire.until(b"X-Sum: 1\r\n\r\n") == CHUNKED + b"2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"


@pytest.mark.parametrize("te", [b"", b"TE: \r\n", b"TE: gzip\r\n"])
async def test_who_does_not_take_trailers_gets_none(te: bytes) -> None:
    async with backend(always(WITH_TRAILERS)) as app, proxy(config(app.address)) as server, client(server) as wire:
        for _ in range(2):
            await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n" + te + b"\r\n")
            assert await wire.until(b"0\r\n\r\n") == CHUNKED + b"2\r\nok\r\n0\r\n\r\n"


async def test_chunks_are_taken_off_for_http_1_0() -> None:
    async with backend(always(CHUNKED + chunked(b"x" * 50_000))) as app, proxy(config(app.address)) as server:
        async with client(server) as wire:
            await wire.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert await wire.rest() == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 50_000


@pytest.mark.parametrize("size", [0, 5, 20_000, BIG])
async def test_body_that_ends_with_the_connection_is_chunked_for_http_1_1(size: int) -> None:
    async with backend(once(UNTIL_CLOSE, b"x" * size)) as app, proxy(config(app.address)) as server:
        async with client(server) as wire:
            for _ in range(2):
                await wire.send(GET)
                head = await wire.head()
                assert head == CHUNKED
                assert undo_chunks(await wire.body(head)) == b"x" * size


@pytest.mark.parametrize("size", [0, 5, 20_000, BIG])
async def test_body_that_ends_with_the_connection_does_so_for_http_1_0(size: int) -> None:
    async with backend(once(UNTIL_CLOSE, b"x" * size)) as app, proxy(config(app.address)) as server:
        async with client(server) as wire:
            await wire.send(GET_1_0)
            assert await wire.rest() == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * size


async def test_http_1_0_backend_is_understood() -> None:
    answer = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
    async with backend(once(answer)) as app, proxy(config(app.address)) as server:
        assert (await ask(server))[1] == b"ok"


@pytest.mark.parametrize("kind", [length(10), CHUNKED, UNTIL_CLOSE])
async def test_body_one_byte_at_a_time_arrives_whole(kind: bytes) -> None:
    async def slowly(wire: Wire) -> None:
        await wire.request()
        await wire.send_slowly(kind + (chunked(b"0123456789", 3) if kind is CHUNKED else b"0123456789"))

    async with backend(slowly) as app, proxy(config(app.address)) as server:
        assert (await ask(server))[1] == b"0123456789"


async def test_end_of_a_body_and_of_its_connection_at_once_lose_nothing() -> None:
    """The hang-up may come on the same edge as the last bytes, and no further event follows."""
    for size in (1, 20_000, 33_000, 100_000):
        async with backend(once(UNTIL_CLOSE + b"x" * size)) as app, proxy(config(app.address)) as server:
            assert (await ask(server))[1] == b"x" * size
        async with backend(once(length(size) + b"x" * size)) as app, proxy(config(app.address)) as server:
            assert (await ask(server))[1] == b"x" * size


@pytest.mark.parametrize("kind", ["length", "chunked", "until close"])
@pytest.mark.slow
async def test_slow_reader_gets_all_and_little_is_held_meanwhile(kind: str) -> None:
    size = 24 << 20
    answer = {"length": length(size) + b"x" * size, "until close": UNTIL_CLOSE + b"x" * size}.get(kind)
    answer = answer or CHUNKED + chunked(b"x" * size, 1 << 20)
    async with backend(once(answer)) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(GET)
        await trio.testing.wait_all_tasks_blocked()
        (session,) = server.wheel.members()
        assert session.exchange.download.flow.held <= (1 << 20) + (64 << 10)  # type: ignore[attr-defined]
        _head, body = await wire.response()
        assert len(body) == size


@pytest.mark.slow
async def test_pause_shorter_than_the_timeout_does_not_cut_a_body() -> None:
    async def with_pauses(wire: Wire) -> None:
        await wire.request()
        await wire.send(length(5))
        for _ in range(5):
            await trio.sleep(0.12)
            await wire.send(b"x")

    async with backend(with_pauses) as app, proxy(config(app.address, pool_timeouts={"response_body": 0.5})) as server:
        assert (await ask(server))[1] == b"xxxxx"


# ---------------------------------------------------------------------- bodies are cut


CUT = [
    (length(10), b"12345", False),
    (length(10), b"12345", True),
    (length(BIG), b"x" * 1_000_000, False),
    (length(BIG), b"x" * 1_000_000, True),
    (CHUNKED, b"5\r\n12345\r\n", False),
    (CHUNKED, b"5\r\n123", False),
    (CHUNKED, b"5\r\n12345\r\n0\r\n", False),
    (CHUNKED, b"5\r\n12345\r\n", True),
    (CHUNKED, b"5\r\n12345\r\nzz\r\n", False),
    (UNTIL_CLOSE, b"12345", True),
]


@pytest.mark.parametrize(("head", "body", "reset"), CUT)
@pytest.mark.parametrize("request_head", [GET, GET_1_0], ids=["1.1", "1.0"])
async def test_cut_body_is_visibly_cut(request_head: bytes, head: bytes, body: bytes, reset: bool) -> None:
    """With a reset: to HTTP/1.0 without a length a clean end would be a whole body."""
    async with backend(once(head, body, reset=reset)) as app, proxy(config(app.address)) as server:
        async with client(server) as wire:
            await wire.send(request_head)
            with pytest.raises((trio.BrokenResourceError, EOFError)):
                await wire.response()
        assert "ok" not in outcomes(server)
        assert sum(outcomes(server).values()) == 1


async def test_chunks_that_are_wrong_from_the_first_byte_are_502() -> None:
    async with backend(always(CHUNKED + b"zz\r\n")) as app, proxy(config(app.address)) as server:
        head, _ = await ask(server)
        assert (status(head), reason(head)) == (502, "parse/response-chunks")


async def test_backend_that_falls_silent_in_its_body_is_cut() -> None:
    async def silent_in_body(wire: Wire) -> None:
        await wire.request()
        await wire.send(length(10) + b"12345")
        await wire.rest()

    async with backend(silent_in_body) as app:
        async with proxy(config(app.address, pool_timeouts={"response_body": 0.1})) as server, client(server) as wire:
            await wire.send(GET)
            with pytest.raises(trio.BrokenResourceError):
                await wire.response()
            assert outcomes(server) == {"response-body-timeout": 1}


# ---------------------------------------------------------------------- the client stops


@pytest.mark.parametrize("by_reset", [False, True])
@pytest.mark.parametrize("kind", [length(BIG * 4) + b"x" * BIG * 4, CHUNKED + chunked(b"x" * BIG * 4, 1 << 20)])
async def test_client_that_leaves_in_the_middle_frees_slot_and_connection(kind: bytes, by_reset: bool) -> None:
    async with backend(always(kind)) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(GET)
        await wire.exactly(100_000)
        assert slots(server) == 1
        if by_reset:
            wire.reset()
        else:
            wire.close()
        await until(lambda: slots(server) == 0 and app.open == 0)
        assert sum(outcomes(server).values()) == 1
        assert "ok" not in outcomes(server)


@pytest.mark.slow
async def test_client_that_takes_nothing_is_cut() -> None:
    size = 32 << 20
    async with backend(always(length(size) + b"x" * size)) as app:
        async with proxy(config(app.address, timeouts={"send": 0.2})) as server, client(server) as wire:
            await wire.send(GET)
            await until(lambda: server.active == 0)
            assert outcomes(server) == {"client-takes-nothing": 1}
            assert slots(server) == 0


@pytest.mark.slow
async def test_client_that_takes_nothing_of_small_answers_is_cut() -> None:
    answer = length(20_000) + b"x" * 20_000
    async with backend(always(answer)) as app:
        async with proxy(config(app.address, timeouts={"send": 0.2})) as server, client(server) as wire:
            await wire.send(GET * 1000)
            await until(lambda: server.active == 0)
            assert outcomes(server)["client-takes-nothing"] == 1
            assert sum(outcomes(server).values()) == server.pools["app"].backends[0].picked


async def test_client_that_leaves_before_it_took_a_small_answer_did_not_get_it() -> None:
    answer = length(20_000) + b"x" * 20_000
    async with backend(always(answer)) as app, proxy(config(app.address)) as server:
        async with client(server) as wire:
            await wire.send(GET * 1000)
            await until(lambda: any(getattr(timed, "unsent", b"") for timed in server.wheel.members()))
            wire.reset()
        await until(lambda: server.active == 0)
        assert outcomes(server)["client-gone"] == 1
        assert sum(outcomes(server).values()) == server.pools["app"].backends[0].picked


async def test_request_that_comes_during_a_download_is_answered_behind_it() -> None:
    async with backend(always(length(BIG) + b"x" * BIG)) as app, proxy(config(app.address)) as server:
        async with client(server) as wire:
            await wire.send(GET)
            await wire.exactly(1000)
            await wire.send(GET)
            await wire.exactly(len(length(BIG)) + BIG - 1000)
            assert len((await wire.response())[1]) == BIG


async def test_long_download_without_a_pause_is_not_measured_by_the_patience_for_its_head(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("proxy.engine.flow.MAX_ROUNDS", 1)
    ahead: list[float] = []
    original = Download._pump_again

    def noting(self: Download) -> None:
        session = self._exchange.session
        ahead.append(session.deadline - session.reactor.now)
        original(self)

    monkeypatch.setattr(Download, "_pump_again", noting)
    settings = {"response_head": 5.0, "response_body": 50.0}
    async with backend(always(length(BIG) + b"x" * BIG)) as app:
        async with proxy(config(app.address, pool_timeouts=settings)) as server:
            assert len((await ask(server))[1]) == BIG
    assert ahead
    assert min(ahead) > 10

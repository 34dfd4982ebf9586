"""Answers that come before the request's body has ended: what becomes of the rest, and of both connections."""

from __future__ import annotations

import pytest
import trio.testing

from tests.engine.support import GET, OK, Wire, backend, client, config, hello, outcomes, proxy, slots, status, until

TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"


async def early(wire: Wire) -> None:
    """Refuses a POST by its head alone."""
    while True:
        head = await wire.head()
        if head.startswith(b"POST"):
            await wire.send(TOO_LARGE)
            await wire.rest()
            return
        await wire.send(OK)


def post(size: int, more: bytes = b"") -> bytes:
    return b"POST / HTTP/1.1\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n" % (more, size)


@pytest.mark.parametrize("size", [10, 60_000])
async def test_small_rest_is_taken_in_and_the_connection_goes_on(size: int) -> None:
    async with backend(early) as app, proxy(config(app.address)) as server, client(server) as wire:
        for _ in range(2):
            await wire.send(post(size) + b"12345")
            head, _ = await wire.response()
            assert head == TOO_LARGE
            assert slots(server) == 0
            await wire.send(bytes(size - 5) + GET)
            assert (await wire.response())[1] == b"ok"
        await until(lambda: app.open == 1)  # a connection over which half a request went is not used again
        assert outcomes(server) == {"ok": 4}


async def test_large_rest_is_not_waited_for() -> None:
    async with backend(early) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(post(1_000_000) + b"12345")
        head, _ = await wire.response()
        assert status(head) == 413
        assert b"Connection: close\r\n" in head
        await wire.send(bytes(200_000))  # a client that does not look is not reset while it sends
        assert await wire.ended()


async def test_rest_that_nobody_asked_for_is_not_waited_for() -> None:
    """The client may send it or not (RFC 9110 section 10.1.1)."""
    async with backend(early) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(post(10, b"Expect: 100-continue\r\n"))
        head, _ = await wire.response()
        assert b"Connection: close\r\n" in head
        assert await wire.ended()


async def test_rest_that_does_not_come_ends_the_connection() -> None:
    async with backend(early) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(post(10))
        assert (await wire.response())[0] == TOO_LARGE
        (session,) = server.wheel.members()
        session.timed_out()
        assert await wire.ended()


@pytest.mark.parametrize("by_reset", [False, True])
async def test_client_that_leaves_within_the_rest_is_no_failure(by_reset: bool) -> None:
    async with backend(early) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(post(10) + b"1")
        assert (await wire.response())[0] == TOO_LARGE
        if by_reset:
            wire.reset()
        else:
            wire.close()
        await until(lambda: server.active == 0)
        assert outcomes(server) == {"ok": 1}


@pytest.mark.parametrize("how", ["cut", "crash"])
async def test_ends_that_come_from_here(how: str) -> None:
    async with backend(early) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(post(10))
        assert (await wire.response())[0] == TOO_LARGE
        (session,) = server.wheel.members()
        if how == "cut":
            server.cut()
        else:
            session.exchange.crashed(ValueError("a defect"))  # type: ignore[attr-defined]
        assert not await wire.ended()
        assert outcomes(server) == {"ok": 1}


async def test_long_answer_comes_before_the_rest() -> None:
    body = bytes(6_000_000)

    async def large(wire: Wire) -> None:
        await wire.head()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
        await wire.send(body)
        await wire.rest()

    async with backend(large) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(post(10))
        await trio.testing.wait_all_tasks_blocked()
        _, received = await wire.response()
        assert received == body
        await wire.send(b"0123456789" + GET)
        assert (await wire.response())[1] == body


async def test_requests_behind_the_rest_are_answered() -> None:
    async with backend(early) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(post(10) + b"12345")
        assert (await wire.response())[0] == TOO_LARGE
        await wire.send(b"67890" + GET + post(3) + b"abc")
        assert (await wire.response())[1] == b"ok"
        assert (await wire.response())[0] == TOO_LARGE


async def test_whole_upload_has_no_rest() -> None:
    async with backend(hello) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(post(3))
        await wire.send(b"abc" + GET)
        for _ in range(2):
            assert (await wire.response())[1] == b"ok"
        assert app.connections == 1

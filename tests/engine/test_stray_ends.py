"""Resets and stray bytes that come with, or behind, an end that looked clean."""

from __future__ import annotations

import socket
import struct

import trio

from tests.engine.support import GET, OK, Wire, backend, client, config, outcomes, proxy, until


def reset(wire: Wire) -> None:
    wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.sock.close()


async def test_reset_behind_the_end_of_stream_costs_the_client_nothing_it_was_sent() -> None:
    size = 1024 * 1024

    async def script(wire: Wire) -> None:
        await wire.send(b"x" * size)
        wire.sock.shutdown(socket.SHUT_WR)
        await trio.sleep(0.05)
        reset(wire)

    async with backend(script) as app, proxy(config(app.address, mode="tcp")) as server, client(server) as wire:
        await wire.send(b"not read by anybody")
        await trio.sleep(0.15)  # the client looks away while all of this happens
        assert len(await wire.exactly(size)) == size


async def test_reset_with_the_request_frees_the_backend_at_once() -> None:
    async def script(wire: Wire) -> None:
        await trio.sleep_forever()

    async with backend(script) as app, proxy(config(app.address)) as server:
        async with client(server) as wire:
            await wire.send(GET)
            reset(wire)
        await until(lambda: server.active == 0)


async def test_bytes_behind_a_body_in_pieces_never_answer_the_next_request() -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
        await trio.testing.wait_all_tasks_blocked()
        await wire.send(b"llo" + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        while True:
            await wire.request()
            await wire.send(OK)

    async with backend(script) as app, proxy(config(app.address)) as server, client(server) as wire:
        await wire.send(GET)
        await wire.head()
        assert await wire.exactly(5) == b"hello"
        assert server.pools["app"].backends[0].idle == []
        assert outcomes(server) == {"ok": 1}

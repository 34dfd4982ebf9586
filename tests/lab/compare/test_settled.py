"""One request between two scenarios: answered at once, later, or never."""

from __future__ import annotations

import socket

import trio

from proxy.lab.compare.settled import settled
from tests.processes import free_port, start_backend


async def test_who_answers_is_settled() -> None:
    with start_backend("hello") as backend:
        assert await settled(backend.address, "/", 10.0)


async def test_who_does_not_listen_yet_is_waited_for(nursery: trio.Nursery) -> None:
    port = free_port()

    async def serve_late() -> None:
        await trio.sleep(0.1)
        (listener,) = await trio.open_tcp_listeners(port, host="127.0.0.1")
        async with listener, await listener.accept() as stream:
            await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\n")

    nursery.start_soon(serve_late)
    assert await settled(f"127.0.0.1:{port}", "/", 10.0)


async def test_who_never_answers_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert not await settled(f"127.0.0.1:{listener.getsockname()[1]}", "/", 0.1)

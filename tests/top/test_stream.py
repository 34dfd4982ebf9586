"""Statistics over the wire, and what is said when they do not come."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import UnixAddress, parse_address
from proxy.top.stream import Lost, listen
from tests.clients.support import short_directory
from tests.processes import free_port
from tests.serve.admin.dashboard.play import Player, playing
from tests.serve.admin.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.address import Address
    from proxy.core.statistics import Statistics


async def hear(address: Address, count: int = 2) -> list[Statistics]:
    heard: list[Statistics] = []
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:

            def tell(statistics: Statistics) -> None:
                heard.append(statistics)
                if len(heard) == count:
                    nursery.cancel_scope.cancel()

            nursery.start_soon(partial(listen, address, tell))
    return heard


async def lost(address: str) -> str:
    with pytest.raises(Lost) as caught, trio.fail_after(10):
        await listen(parse_address(address), lambda _: None)
    return str(caught.value)


async def test_the_records_are_what_was_told() -> None:
    with playing(Player(pace=0.01)) as player:
        heard = await hear(parse_address(player.address))
    story = Story()
    assert heard == [story.tell(), story.tell()]


async def test_over_a_unix_socket() -> None:
    """As an [admin] on a Unix socket serves it: HTTP all the same."""
    story = Story()
    with playing(Player(story=story, pace=0.01)) as player, short_directory() as directory:
        path = f"{directory}/admin.sock"
        async with trio.open_nursery() as nursery:
            listener = trio.socket.socket(trio.socket.AF_UNIX)
            await listener.bind(path)
            listener.listen()
            serve = partial(trio.serve_listeners, handler_nursery=nursery)
            nursery.start_soon(serve, partial(pass_on, player.server_port), [trio.SocketListener(listener)])
            heard = await hear(UnixAddress(path))
            nursery.cancel_scope.cancel()
    assert len(heard) == 2


async def pass_on(port: int, client: trio.SocketStream) -> None:
    async with client, await trio.open_tcp_stream("127.0.0.1", port) as server, trio.open_nursery() as nursery:
        nursery.start_soon(copy, client, server)
        nursery.start_soon(copy, server, client)


async def copy(source: trio.SocketStream, sink: trio.SocketStream) -> None:
    try:
        async for data in source:
            await sink.send_all(data)
    except trio.BrokenResourceError:
        pass


async def test_nobody_is_there() -> None:
    address = f"127.0.0.1:{free_port()}"
    assert await lost(address) == f"nothing answers at {address}: is rproxy running, with [admin] in its configuration?"


async def test_something_else_is_there() -> None:
    with answering(404, b"") as address:
        assert await lost(address) == f"{address} answers 404: it is no admin address of rproxy"
    with answering(200, b'data: {"version": 1}\n\n') as address:
        assert f"{address} tells something else" in await lost(address)


async def test_the_server_ends() -> None:
    with answering(200, b"retry: 100\n\n") as address:
        assert await lost(address) == f"{address} has ended the connection"


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()

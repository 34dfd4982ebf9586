"""Connections of every kind against a server that does as it is told: who sends what where, and what a request that
comes to nothing is said to have died of."""

from __future__ import annotations

import socket
import time
from contextlib import asynccontextmanager
from itertools import repeat
from random import Random
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from proxy.core.address import parse_address
from proxy.engine.reactor import Reactor
from proxy.engine.timers import TICK, Wheel
from proxy.lab.load.clients.connection import Connection, Link
from proxy.lab.load.clients.pools import Clients, Ending, make_clients
from proxy.lab.load.mix import Request
from proxy.lab.load.spec import LoadSpec
from proxy.lab.response_heads import ResponseHeads
from tests.processes import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
KEPT, CLOSE = b"kept\r\n\r\n", b"close\r\n\r\n"


class Server:
    """Runs `script(stream, number)` for each connection. got: requests by connection."""

    def __init__(self, script: Callable[[Server, trio.SocketStream, int], Awaitable[None]]) -> None:
        self._script = script
        self.got: list[list[bytes]] = []

    async def serve(self, stream: trio.SocketStream) -> None:
        self.got.append([])
        async with stream:
            await self._script(self, stream, len(self.got) - 1)

    async def read(self, stream: trio.SocketStream, number: int) -> bool:
        """One request; False at the end."""
        held = b""
        while not held.endswith(b"\r\n\r\n"):
            data = await stream.receive_some()
            if not data:
                return False
            held += data
        self.got[number].append(held)
        return True


async def answer_all(server: Server, stream: trio.SocketStream, number: int) -> None:
    while await server.read(stream, number):
        await stream.send_all(OK)


async def until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(10):
        while not condition():  # noqa: ASYNC110 - the reactor's handlers are plain functions
            await trio.sleep(0.001)


class Driver:
    """clients under test and what they told."""

    def __init__(self, clients: Clients, link: Link) -> None:
        self.clients, self.link = clients, link
        self.endings: list[Ending] = []

    def give(self, number: int = 1) -> None:
        for _ in repeat(None, number):
            self.clients.give(Request(KEPT, CLOSE), time.monotonic())

    async def ended(self, number: int) -> list[str]:
        """The causes of that many requests."""
        await until(lambda: len(self.endings) >= number)
        return [ending.cause for ending in self.endings]


@asynccontextmanager
async def driving(target: str, **fields: object) -> AsyncIterator[Driver]:
    spec = LoadSpec(target, **fields)  # type: ignore[arg-type]
    reactor = Reactor()
    wheel = Wheel(reactor, TICK)
    link = Link(parse_address(target), reactor, wheel, ResponseHeads(), time.monotonic)
    endings: list[Ending] = []
    driver = Driver(make_clients(spec, link, endings.append), link)
    driver.endings = endings
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reactor.run)
        nursery.start_soon(wheel.run)
        yield driver
        nursery.cancel_scope.cancel()
    for timed in wheel.members():
        assert isinstance(timed, Connection)
        timed.close()
    assert len(reactor) == 0
    assert reactor.crashes == 0
    reactor.close_all()


@asynccontextmanager
async def serving(
    script: Callable[[Server, trio.SocketStream, int], Awaitable[None]] = answer_all,
) -> AsyncIterator[tuple[Server, str]]:
    server = Server(script)
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listener.socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, server.serve, [listener])
        yield server, f"127.0.0.1:{port}"
        nursery.cancel_scope.cancel()


async def test_kept_connections_take_turns() -> None:
    async with serving() as (server, target), driving(target, connections=3) as driver:
        driver.clients.open_all()
        for number in range(1, 10):
            driver.give()
            await driver.ended(number)
    assert sorted(map(len, server.got)) == [3, 3, 3]
    assert {request for got in server.got for request in got} == {KEPT}


async def test_requests_wait_for_a_free_connection() -> None:
    async with serving() as (server, target), driving(target, connections=2) as driver:
        driver.give(20)
        assert await driver.ended(20) == [""] * 20
    assert sum(map(len, server.got)) == 20
    assert len(server.got) == 2
    assert all(ending.at >= ending.begun >= ending.intended for ending in driver.endings)


async def test_new_clients_have_a_connection_for_each_request() -> None:
    async with serving() as (server, target), driving(target, clients="new", connections=2) as driver:
        driver.clients.open_all()
        driver.give(6)
        assert await driver.ended(6) == [""] * 6
        assert driver.clients.connections() == []
    assert server.got == [[CLOSE]] * 6


async def test_mixed_clients_do_both() -> None:
    async with serving() as (server, target), driving(target, clients="mixed", connections=2) as driver:
        driver.give(100)
        assert await driver.ended(100) == [""] * 100
    kept = [got for got in server.got if got[0] == KEPT]
    assert len(kept) == 1
    assert 25 < len(kept[0]) < 75
    assert len(kept[0]) + len(server.got) - 1 == 100


async def test_long_clients_keep_to_their_connection_though_others_are_free() -> None:
    hang = trio.Event()

    async def first_is_slow(server: Server, stream: trio.SocketStream, number: int) -> None:
        while await server.read(stream, number):
            if number == 0:
                await hang.wait()
            await stream.send_all(OK)

    async with serving(first_is_slow) as (server, target), driving(target, clients="long", connections=2) as driver:
        driver.clients.open_all()
        driver.give(10)
        await driver.ended(5)
        hang.set()
        await driver.ended(10)
    assert sorted(map(len, server.got)) == [5, 5]


async def test_a_kept_connection_that_the_server_closes_is_replaced() -> None:
    async def once(server: Server, stream: trio.SocketStream, number: int) -> None:
        await server.read(stream, number)
        await stream.send_all(OK)

    async with serving(once) as (server, target), driving(target, connections=1) as driver:
        for number in range(1, 4):
            driver.give()
            await driver.ended(number)
            await until(lambda: not driver.clients.connections())
        assert await driver.ended(3) == [""] * 3
    assert len(server.got) == 3


async def test_refused() -> None:
    async with driving(f"127.0.0.1:{free_port()}") as driver:
        driver.clients.open_all()
        driver.give(3)
        assert await driver.ended(3) == ["refused"] * 3


async def test_reset() -> None:
    async def reset(server: Server, stream: trio.SocketStream, number: int) -> None:
        await server.read(stream, number)
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        stream.socket.close()

    async with serving(reset) as (_, target), driving(target) as driver:
        driver.give(3)
        assert await driver.ended(3) == ["reset"] * 3


@pytest.mark.parametrize("answer", [b"", OK[:20], OK[:-1]])
async def test_closed_early(answer: bytes) -> None:
    async def close(server: Server, stream: trio.SocketStream, number: int) -> None:
        await server.read(stream, number)
        await stream.send_all(answer)

    async with serving(close) as (_, target), driving(target) as driver:
        driver.give(3)
        assert await driver.ended(3) == ["closed"] * 3


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "status-503"),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "status-404"),
        (b"HTTP/1.1 302 Go\r\nContent-Length: 0\r\n\r\n", ""),
        (b"nonsense\r\n\r\n", "garbled"),
        (OK + OK, "garbled"),
    ],
)
async def test_answers(answer: bytes, cause: str) -> None:
    async def say(server: Server, stream: trio.SocketStream, number: int) -> None:
        while await server.read(stream, number):
            await stream.send_all(answer)

    async with serving(say) as (_, target), driving(target, connections=1) as driver:
        driver.give(2)
        assert await driver.ended(2) == [cause] * 2


async def test_an_answer_before_the_request_is_no_answer_to_it() -> None:
    async def hasty(server: Server, stream: trio.SocketStream, number: int) -> None:
        await stream.send_all(OK)
        await server.read(stream, number)

    async with serving(hasty) as (_, target), driving(target, connections=1) as driver:
        driver.clients.open_all()
        await until(lambda: not driver.clients.connections())
        assert driver.endings == []


@pytest.mark.slow
async def test_what_hangs_is_given_up_and_so_is_what_waits_behind_it() -> None:
    async def hang(server: Server, stream: trio.SocketStream, number: int) -> None:
        while await server.read(stream, number):
            pass

    async with serving(hang) as (_, target), driving(target, connections=1, timeout=0.3) as driver:
        driver.give(2)
        assert await driver.ended(2) == ["timeout", "unsent"]
    assert [ending.begun > 0 for ending in driver.endings] == [True, False]
    assert all(ending.at - ending.intended >= 0.3 for ending in driver.endings)


async def test_a_unix_socket_that_is_not_there_refuses_is_full_or_answers(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    async with driving(f"unix:{path}") as driver:
        driver.give()
        assert await driver.ended(1) == ["no-socket"]
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path)
            driver.give()
            assert await driver.ended(2) == ["no-socket", "refused"]
            sock.listen(0)
            with socket.socket(socket.AF_UNIX) as first:
                first.connect(path)
                driver.give()
                assert (await driver.ended(3))[-1] == "backlog-full"


async def test_answers_over_a_unix_socket(tmp_path: Path) -> None:
    server = Server(answer_all)
    with trio.socket.socket(socket.AF_UNIX) as sock:
        await sock.bind(str(tmp_path / "s"))
        sock.listen()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, server.serve, [trio.SocketListener(sock)])
            async with driving(f"unix:{tmp_path}/s", connections=2) as driver:
                driver.give(10)
                assert await driver.ended(10) == [""] * 10
                ends = {connection.local for connection in driver.clients.connections()}
                assert len(ends) == 2  # inodes: they have no name
                assert all(isinstance(local, int) for local in ends)
            nursery.cancel_scope.cancel()


async def test_a_body_of_many_reads() -> None:
    size = 3_000_000

    async def large(server: Server, stream: trio.SocketStream, number: int) -> None:
        while await server.read(stream, number):
            await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))

    async with serving(large) as (_, target), driving(target, connections=2) as driver:
        driver.give(6)
        assert await driver.ended(6) == [""] * 6


@pytest.mark.slow
@pytest.mark.parametrize("clients", ["keep-alive", "new", "mixed", "long"])
async def test_every_request_ends_exactly_once_whatever_the_server_does(clients: str) -> None:
    rng = Random(clients)

    async def wild(server: Server, stream: trio.SocketStream, number: int) -> None:
        while await server.read(stream, number):
            what = rng.randrange(12)
            if what == 0:
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            elif what == 1:
                await stream.send_all(OK[: rng.randrange(len(OK))])
            elif what == 2:
                await stream.send_all(OK + OK)
            elif what == 3:
                await trio.sleep(0.5)
            else:
                await stream.send_all(OK)
                if what > 4:
                    continue
            return

    async with serving(wild) as (_, target), driving(target, clients=clients, connections=6, timeout=0.3) as driver:
        driver.clients.open_all()
        for number in range(0, 300, 10):
            driver.give(10)
            await until(lambda number=number: len(driver.endings) >= number)  # type: ignore[misc]
        causes = await driver.ended(300)
        await trio.testing.wait_all_tasks_blocked(0.05)
    assert len(driver.endings) == 300
    assert {"", "closed", "garbled"} <= set(causes)
    assert set(causes) <= {"", "closed", "garbled", "reset", "timeout", "unsent"}

"""What each sender takes for done, against listeners that take, reset, refuse and stay silent."""

from __future__ import annotations

import socket
import struct
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import TcpAddress
from proxy.lab.load.jobs.sender import Sender, Sent, send_jobs
from tests.processes import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

LINGER_0 = struct.pack("ii", 1, 0)  # closing resets
senders = pytest.mark.parametrize("sender", ["eof", "blind"])


class Listener:
    """Resets the first `resets` connections and takes the others. taken: what they brought, to the end."""

    def __init__(self, resets: int = 0) -> None:
        self.resets = resets
        self.taken: list[str] = []

    async def serve(self, stream: trio.SocketStream) -> None:
        async with stream:
            if self.resets:
                self.resets -= 1
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
                return
            self.taken.append(b"".join([data async for data in stream]).decode())


@asynccontextmanager
async def listening(listener: Listener) -> AsyncIterator[TcpAddress]:
    async with trio.open_nursery() as nursery:
        (own,) = await nursery.start(partial(trio.serve_tcp, listener.serve, 0, host="127.0.0.1"))
        yield TcpAddress("127.0.0.1", own.socket.getsockname()[1])
        nursery.cancel_scope.cancel()


async def until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(10):
        while not condition():  # noqa: ASYNC110
            await trio.sleep(0.001)


async def send(address: TcpAddress, *jobs: str, sender: Sender, give_up: float = 10.0) -> Sent:
    sent = Sent()
    await send_jobs(address, jobs, sender, apart=0.0, give_up=give_up, sent=sent)
    return sent


@senders
async def test_each_job_is_a_line_on_a_connection_of_its_own(sender: Sender) -> None:
    listener = Listener()
    async with listening(listener) as address:
        sent = await send(address, "a 1", "b 2", sender=sender)
        await until(lambda: len(listener.taken) == 2)
    assert sorted(listener.taken) == ["a 1\n", "b 2\n"]
    assert sent.done.keys() == {"a 1", "b 2"}
    assert (sent.refused, sent.reset, sent.given_up) == (0, 0, [])


async def test_who_waits_for_the_end_sees_a_reset_and_comes_again() -> None:
    listener = Listener(resets=2)
    async with listening(listener) as address:
        sent = await send(address, "a", sender="eof")
    assert sent.reset == 2
    assert listener.taken == ["a\n"]


@senders
async def test_a_refusal_is_seen_by_both_and_tried_again(sender: Sender) -> None:
    address, listener = TcpAddress("127.0.0.1", free_port()), Listener()
    sent = Sent()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(send_jobs, address, ["a"], sender, apart=0.0, give_up=10.0, sent=sent))
        await until(lambda: sent.refused > 1)
        await nursery.start(partial(trio.serve_tcp, listener.serve, address.port, host=address.host))
        await until(lambda: bool(listener.taken and sent.done))
        nursery.cancel_scope.cancel()
    assert listener.taken == ["a\n"]


async def test_only_the_blind_one_is_content_with_a_queue() -> None:
    """Nobody ever accepts: the kernel does, and keeps the job until the listener is closed."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = TcpAddress(*listener.getsockname())
        blind = await send(address, "a", sender="blind")
        waiting = await send(address, "a", sender="eof", give_up=0.05)
    assert list(blind.done) == ["a"]
    assert waiting.given_up == ["a"]
    assert not waiting.done


async def test_jobs_come_apart(autojump_clock: trio.testing.MockClock) -> None:
    """Each begins at its moment, whatever becomes of the others."""
    began: list[float] = []

    async def note(*_: object) -> None:
        began.append(trio.current_time())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("proxy.lab.load.jobs.sender._try", note)
        first = trio.current_time()
        await send_jobs(TcpAddress("127.0.0.1", 1), "abc", "blind", apart=0.5, give_up=1.0, sent=Sent())
    assert [round(at - first, 3) for at in began] == [0.0, 0.5, 1.0]

"""What the ways to end a session share: the list of them, and what both ends of a connection can do to it."""

from __future__ import annotations

import select
import socket
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import trio

from tests.engine.support import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

Act = Callable[[Wire, Random], Awaitable[None]]


class Way(NamedTuple):
    """act: what the client does, over a connection to `frontend`; it fails when the proxy does something else."""

    name: str
    frontend: str
    act: Act


WAYS: list[Way] = []


def way(*frontends: str) -> Callable[[Act], Act]:
    """Each of the frontends has another kind of backend, or other timeouts, and makes it another way."""

    def add(act: Act) -> Act:
        WAYS.extend(Way(act.__name__, frontend, act) for frontend in frontends)
        return act

    return add


async def leave(wire: Wire, rng: Random) -> None:
    """At some moment, by FIN or by RST."""
    await dither(rng)
    if rng.random() < 0.5:
        wire.reset()
    else:
        wire.close()


async def dither(rng: Random) -> None:
    """Lets the other side come between two acts, or not."""
    if rng.random() < 0.7:
        await trio.sleep(rng.random() * 0.004)


async def hang_up(wire: Wire, *, or_end: bool = False) -> None:
    """Until the connection was reset, or both sides have ended it (or_end: the other one has); reads nothing."""
    with select.epoll() as epoll:
        # EPOLLHUP and EPOLLERR are always reported.
        epoll.register(wire.sock.fileno(), select.EPOLLRDHUP if or_end else 0)
        await trio.lowlevel.wait_readable(epoll.fileno())


async def end_of(wire: Wire) -> str:
    """`closed` or `reset`, whatever came before."""
    try:
        while await wire.stream.receive_some(65536):
            pass
    except trio.BrokenResourceError:
        return "reset"
    return "closed"


async def expect_reset(wire: Wire) -> None:
    assert await end_of(wire) == "reset"


async def push(wire: Wire, data: bytes) -> None:
    """Sends as much as the other side lets us."""
    try:
        await wire.send(data)
    except trio.BrokenResourceError:
        pass


@contextmanager
def black_hole() -> Iterator[int]:
    """A port whose accept queue is full, so that a connect waits for ever."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        try:
            yield listener.getsockname()[1]
        finally:
            for filler in fillers:
                filler.close()

"""Brokers of our own: what they know is in memory, and their sockets and clock are the same."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

import trio

from proxy.core.address import AddressError
from proxy.lab.load.prompt_reactor import PromptReactor
from proxy.lab.models.pull.peer import Listener

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from proxy.engine.reactor import Reactor
    from proxy.lab.models.pull.peer import Peer

TICK = 0.02  # seconds: how late a delay, a lease or a wait may end


class Timed(Protocol):
    """What a broker knows, some of which ends with time."""

    def tick(self, now: float) -> None:
        """now: on the reactor's clock, in seconds."""


async def serve(address: str, begin: Callable[[Reactor], tuple[Timed, Callable[[Peer], None]]]) -> None:
    """Until cancelled. begin: makes what is known, and what takes each connection. Raises AddressError, OSError."""
    reactor = PromptReactor()  # a sixth less CPU for a request than by way of Trio
    known, take = begin(reactor)
    Listener(address, reactor, take)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reactor.run)
        nursery.start_soon(_tell_time, reactor, known)


async def _tell_time(reactor: Reactor, known: Timed) -> None:
    while True:
        await trio.sleep(TICK)
        known.tick(reactor.read_clock())


def run(address: str, serve_there: Callable[[], Awaitable[None]]) -> int:
    """As a program: its exit status. SIGTERM ends it, and what it knows with it."""
    try:
        trio.run(serve_there)
    except (AddressError, OSError) as error:
        print(f"{address}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0

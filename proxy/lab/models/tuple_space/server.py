"""The tuple space's sockets and clock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import trio

from proxy.lab.load.prompt_reactor import PromptReactor
from proxy.lab.models.pull.peer import Listener
from proxy.lab.models.tuple_space.session import BadLine, Session
from proxy.lab.models.tuple_space.space import Space

if TYPE_CHECKING:
    from proxy.engine.reactor import Reactor
    from proxy.lab.models.pull.peer import Peer

TICK = 0.02  # seconds: how late a lease, a tuple or a wait may end


async def serve(address: str) -> None:
    """Until cancelled. Raises AddressError, OSError."""
    reactor = PromptReactor()  # a sixth less CPU for a request than by way of Trio
    space = Space()
    Listener(address, reactor, lambda peer: _Connection(peer, reactor, space).begin())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reactor.run)
        nursery.start_soon(_tell_time, reactor, space)


async def _tell_time(reactor: Reactor, space: Space) -> None:
    while True:
        await trio.sleep(TICK)
        space.tick(reactor.read_clock())


class _Connection:
    def __init__(self, peer: Peer, reactor: Reactor, space: Space) -> None:
        self._peer, self._reactor = peer, reactor
        self._session = Session(space, peer.send)

    def begin(self) -> None:
        self._peer.received, self._peer.ended = self._received, self._ended

    def _received(self, data: bytes) -> None:
        try:
            self._session.feed(data, self._reactor.now)
        except BadLine as error:
            self._peer.send(json.dumps({"error": str(error)}).encode() + b"\n")
            self._peer.finish()

    def _ended(self) -> None:
        self._session.end(self._reactor.now)

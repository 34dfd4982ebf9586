"""The tuple space's sockets and clock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from proxy.lab.models.pull import in_memory
from proxy.lab.models.tuple_space.session import BadLine, Session
from proxy.lab.models.tuple_space.space import Space

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.engine.reactor import Reactor
    from proxy.lab.models.pull.in_memory import Timed
    from proxy.lab.models.pull.peer import Peer


async def serve(address: str) -> None:
    """Until cancelled. Raises AddressError, OSError."""

    def begin(reactor: Reactor) -> tuple[Timed, Callable[[Peer], None]]:
        space = Space()
        return space, lambda peer: _Connection(peer, reactor, space).begin()

    await in_memory.serve(address, begin)


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

"""The queue server's sockets and clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.models.pull import in_memory
from proxy.lab.models.queue.beanstalk.session import Session
from proxy.lab.models.queue.beanstalk.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.engine.reactor import Reactor
    from proxy.lab.models.pull.in_memory import Timed
    from proxy.lab.models.pull.peer import Peer


async def serve(address: str, largest: int) -> None:
    """Until cancelled. largest: bytes of a job. Raises AddressError, OSError."""

    def begin(reactor: Reactor) -> tuple[Timed, Callable[[Peer], None]]:
        store = Store(reactor.now)
        return store, lambda peer: _Connection(peer, reactor, store, largest).begin()

    await in_memory.serve(address, begin)


class _Connection:
    def __init__(self, peer: Peer, reactor: Reactor, store: Store, largest: int) -> None:
        self._peer, self._reactor = peer, reactor
        self._session = Session(store, largest, peer.send, self._wake)

    def begin(self) -> None:
        self._peer.received, self._peer.ended = self._received, self._ended

    def crashed(self, error: Exception) -> None:
        self._peer.crashed(error)

    def _received(self, data: bytes) -> None:
        self._session.feed(data, self._reactor.now)
        if self._session.has_quit:
            self._peer.finish()

    def _wake(self) -> None:
        self._reactor.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._received(b"")

    def _ended(self) -> None:
        self._session.end(self._reactor.now)

"""Wakes a process whose work waits when another gives back a slot."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.engine.reactor import Reactor

B = TypeVar("B")
_MOST = 64  # semaphores looked at in a row; the rest is found at the next look


class SlotWatch(Generic[B]):
    """The semaphores of a pool's limited backends, in an epoll object of their own that the reactor watches meanwhile.

    So nobody is woken by slots that come and go while no work waits, and beginning to wait costs one system call and
    not one per backend. Every slot given back is an edge for all processes that watch: each looks whose turn it is.
    """

    def __init__(self, reactor: Reactor, on_slot: Callable[[int], None]) -> None:
        self._reactor = reactor
        self._on_slot = on_slot
        self._epoll: select.epoll | None = None
        self._backends: dict[int, B] = {}
        self._is_watching = False

    def add(self, semaphore: int, backend: B) -> None:
        """semaphore: its descriptor stays the caller's, who takes it out again before closing it."""
        if self._epoll is None:
            self._epoll = select.epoll()
        self._epoll.register(semaphore, select.EPOLLIN)
        self._backends[semaphore] = backend

    def remove(self, semaphore: int) -> None:
        """The kernel would not forget a semaphore that we close and others have open."""
        if self._backends.pop(semaphore, None) is not None:
            assert self._epoll is not None
            self._epoll.unregister(semaphore)

    def start(self) -> None:
        """on_slot is called when there is a slot, and for each one that comes, until `stop`."""
        if self._epoll is not None and not self._is_watching:
            self._is_watching = True
            self._reactor.register(self._epoll.fileno(), self._on_slot)

    def stop(self) -> None:
        if self._epoll is not None and self._is_watching:
            self._is_watching = False
            self._reactor.unregister(self._epoll.fileno())

    def free(self) -> list[B]:
        """Backends of which there is a slot now; somebody else may be quicker."""
        if self._epoll is None:
            return []
        return [self._backends[semaphore] for semaphore, _ in self._epoll.poll(0, _MOST)]

    def close(self) -> None:
        self.stop()
        if self._epoll is not None:
            self._epoll.close()
            self._epoll = None

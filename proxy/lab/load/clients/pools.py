"""Who sends a request: four kinds of clients behind one method."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import TYPE_CHECKING, Protocol

from proxy.lab.load.clients.causes import UNSENT, cause_of_status
from proxy.lab.load.clients.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.lab.load.clients.connection import Link
    from proxy.lab.load.mix import Request
    from proxy.lab.load.spec import LoadSpec


class Ending:
    """What became of one request. cause: empty for a good answer. begun is 0 for what was never sent."""

    __slots__ = ("at", "begun", "cause", "intended")

    def __init__(self, intended: float, begun: float, at: float, cause: str) -> None:
        self.intended, self.begun, self.at, self.cause = intended, begun, at, cause


class Clients(Protocol):
    def give(self, request: Request, intended: float) -> None:
        """The request is sent now, or waits for its connection; its ending is told, never before this returns."""

    def open_all(self) -> None:
        """Connects what is kept, so that the first requests need not."""

    def connections(self) -> list[Connection]:
        """Those that are kept."""


class Pool:
    """At most `limit` connections. Kept: the one that has been idle for longest goes first, so that all carry load.
    Else a connection for each request, which asks the server to close it."""

    def __init__(
        self, link: Link, limit: int, timeout: float, finished: Callable[[Ending], None], *, keep: bool
    ) -> None:
        self._link, self._limit, self._timeout, self._finished, self._keep = link, limit, timeout, finished, keep
        self._all: dict[Connection, None] = {}
        self._idle: deque[Connection] = deque()
        self._waiting: deque[tuple[Request, float]] = deque()

    def open_all(self) -> None:
        while self._keep and len(self._all) < self._limit:
            connection = self._new()
            if connection.open():
                del self._all[connection]
                return
            self._idle.append(connection)

    def connections(self) -> list[Connection]:
        return list(self._all) if self._keep else []

    def give(self, request: Request, intended: float) -> None:
        connection = self._take()
        if connection is None:
            self._waiting.append((request, intended))
            return
        connection.ask(request.keep_alive if self._keep else request.close, intended, self._timeout)

    def answered(self, connection: Connection, at: float) -> None:
        intended, begun = connection.intended, connection.begun
        if connection.is_open and self._keep:
            self._idle.append(connection)
        else:
            connection.close()
            del self._all[connection]
        self._finished(Ending(intended, begun, at, cause_of_status(connection.status)))
        self._next()

    def failed(self, connection: Connection, cause: str, at: float) -> None:
        del self._all[connection]
        self._finished(Ending(connection.intended, connection.begun, at, cause))
        self._next()

    def lost(self, connection: Connection) -> None:
        """An idle one; its place among these is passed over when its turn comes."""
        del self._all[connection]

    def _take(self) -> Connection | None:
        """One that is free, or a new one where there may be more."""
        while self._idle:
            connection = self._idle.popleft()
            if connection.is_open:
                return connection
        return self._new() if len(self._all) < self._limit else None

    def _new(self) -> Connection:
        connection = Connection(self._link, self)
        self._all[connection] = None
        return connection

    def _next(self) -> None:
        """Whoever waited for a connection, unless it has waited for too long."""
        waiting = self._waiting
        while waiting and (self._idle or len(self._all) < self._limit):
            request, intended = waiting.popleft()
            if (now := self._link.reactor.now) < intended + self._timeout:
                self.give(request, intended)
            else:
                self._finished(Ending(intended, 0.0, now, UNSENT))


class Mixed:
    """Every other request, by the draw of a coin, has a connection of its own."""

    def __init__(self, kept: Pool, fresh: Pool, rng: Random) -> None:
        self._pools = (kept, fresh)
        self._rng = rng

    def open_all(self) -> None:
        self._pools[0].open_all()

    def connections(self) -> list[Connection]:
        return self._pools[0].connections()

    def give(self, request: Request, intended: float) -> None:
        self._pools[self._rng.getrandbits(1)].give(request, intended)


class Long:
    """Clients that stay: a pool of one connection for each, and requests to them in turn, however busy they are."""

    def __init__(self, pools: list[Pool]) -> None:
        self._pools = pools
        self._turn = 0

    def open_all(self) -> None:
        for pool in self._pools:
            pool.open_all()

    def connections(self) -> list[Connection]:
        return [connection for pool in self._pools for connection in pool.connections()]

    def give(self, request: Request, intended: float) -> None:
        self._pools[self._turn].give(request, intended)
        self._turn = (self._turn + 1) % len(self._pools)


def make_clients(spec: LoadSpec, link: Link, finished: Callable[[Ending], None]) -> Clients:
    """In a closed loop "long" is the same as "keep-alive", for whoever was answered has a free connection, and with
    "mixed" all users may draw the same side."""

    def pool(limit: int, *, keep: bool) -> Pool:
        return Pool(link, limit, spec.timeout, finished, keep=keep)

    if spec.clients == "mixed":
        kept = (spec.connections + 1) // 2 if spec.mode == "open" else spec.connections
        fresh = max(spec.connections // 2, 1) if spec.mode == "open" else spec.connections
        rng = Random(f"mixed {spec.seed}")
        return Mixed(pool(kept, keep=True), pool(fresh, keep=False), rng)
    if spec.clients == "long" and spec.mode == "open":
        return Long([pool(1, keep=True) for _ in range(spec.connections)])
    return pool(spec.connections, keep=spec.clients != "new")

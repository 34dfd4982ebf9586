"""What happens at `limits.connections`: who is closed to make room for somebody new, and when new ones have to wait."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from proxy.engine.frontend import Frontend
    from proxy.engine.listener import Listener

log = logging.getLogger("rproxy.listener")

AGE = 1.0  # seconds that a connection may take to its first request, however many others come
LOOK_EVERY = 1.0  # a look at 10,000 sessions costs 4 ms


class Spare(Protocol):
    """A session or a stage that may be closed for somebody new."""

    def spare_since(self) -> float | None:
        """Since when it has waited for a request or the rest of one; None when it serves one, or has ended."""

    def make_room(self) -> None:
        """Ends it."""


class Room:
    """Whoever has waited longest for a request, or for the rest of one, goes first, and who has had the last answer and
    does not leave; exchanges and tunnels never go.

    So neither idle clients nor an attack by unfinished heads keeps others out: each new connection costs the oldest of
    those its place. They are found by a look at all sessions, only at the limit and at most once in LOOK_EVERY, so that
    a session that becomes idle pays nothing.
    """

    def __init__(self, frontend: Frontend) -> None:
        self.waiting: list[Listener] = []  # for a session to end, or to become idle
        self.is_crowded = False
        self._frontend = frontend
        self._spares: list[tuple[float, Spare]] = []  # the oldest last; some may have gone on meanwhile
        self._next_look = 0.0
        self._closed = 0

    def make(self, listener: Listener) -> bool:
        """At the limit, and a client waits in the kernel's queue. False: it has to."""
        if not self.is_crowded:
            self.is_crowded = True
            frontend = self._frontend
            log.warning(
                "%s: %d connections, the limit: new ones take the place of idle ones", frontend.config.name,
                frontend.active,
            )  # fmt: skip
        if self._close_one():
            return True
        if listener not in self.waiting:
            self.waiting.append(listener)
        listener.try_again(LOOK_EVERY)
        return False

    def _close_one(self) -> bool:
        if not self._spares:
            self._look()
        while self._spares:
            since, spare = self._spares.pop()
            if spare.spare_since() == since:
                spare.make_room()
                self._closed += 1
                return True
        return False

    def _look(self) -> None:
        frontend = self._frontend
        now = frontend.reactor.now
        if now < self._next_look:
            return
        self._next_look = now + LOOK_EVERY
        for timed in frontend.wheel.members():
            ask = getattr(timed, "spare_since", None)  # isinstance of a Protocol would take ten times as long
            if ask is not None and timed.frontend is frontend:  # type: ignore[attr-defined] # so it is a Spare
                since = ask()
                if since is not None and since <= now - AGE:
                    self._spares.append((since, timed))  # type: ignore[arg-type]
        self._spares.sort(key=lambda spare: -spare[0])

    def resume(self) -> None:
        """A session has ended."""
        for listener in self.waiting:
            listener.resume()
        self.waiting.clear()

    def all_were_accepted(self) -> None:
        """Nobody waits in the kernel's queue. Said once the crowd is well below the limit, not at each that leaves."""
        frontend = self._frontend
        limit = frontend.config.limits.connections
        if frontend.active < limit - limit // 8:
            log.info(
                "%s: %d connections, below the limit; %d idle ones were closed for others", frontend.config.name,
                frontend.active, self._closed,
            )  # fmt: skip
            self.is_crowded = False
            self._closed = 0
            self._spares.clear()

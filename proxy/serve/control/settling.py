"""What follows for a whole pool from a change of one of its backends, or from the time: decided, noted, told at once.

One telling for each backend, behind all decisions: a data plane never sees the last one down before it hears that all
are tried.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from proxy.serve.control import standing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from proxy.serve.control.controlled import Controlled
    from proxy.serve.control.controller import Controller


class Settling:
    """down: pools that have no healthy backend, which is noted once."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self.down: set[str] = set()

    def settle(self, name: str, changed: Iterable[Controlled] = ()) -> None:
        """changed: those of the pool that data planes are to be told of in any case."""
        controller = self._controller
        pool = controller.pools[name].values()
        told = dict.fromkeys(changed)
        told |= dict.fromkeys(self._eject(pool))
        told |= dict.fromkeys(self._open_or_close(name, pool))
        told |= dict.fromkeys(standing.move_ramps(pool, controller.clock()))
        for backend in told:
            controller.tell(backend)
        controller.bell.ring()

    def _eject(self, pool: Collection[Controlled]) -> Iterator[Controlled]:
        for backend in standing.find_outliers(pool):
            before, settings = backend.condition, backend.pool.ejection
            seconds = backend.ejection.eject(settings, self._controller.clock())
            why = f"{backend.ejection.reason}, {settings.failures} in a row; for {seconds:g} s"
            self._controller.flip(backend, before, why)
            yield backend

    def _open_or_close(self, name: str, pool: Collection[Controlled]) -> Iterator[Controlled]:
        """When nobody is healthy, is everybody tried?"""
        is_nobody_left = standing.is_nobody_left(pool)
        tries = self._controller.config.pools[name].when_all_down == "try"
        if is_nobody_left and name not in self.down:
            then = "all are tried" if tries else "its work is refused"
            self._controller.note(logging.WARNING, f"{name}: no backend is healthy, {then} (when_all_down)")
        (self.down.add if is_nobody_left else self.down.discard)(name)
        yield from standing.try_all(pool, is_nobody_left and tries)

    def look_at_clock(self) -> float:
        """Ends ejections and moves slow starts whose time has come. When to look again; infinite for no time.

        The controller's bell rings when that may have become sooner.
        """
        controller, now = self._controller, self._controller.clock()
        due = math.inf
        for name, backends in controller.pools.items():
            pool = backends.values()
            ended = [one for one in pool if (ends_at := one.ejection.ends_at) is not None and ends_at <= now]
            for backend in ended:
                before = backend.condition
                backend.ejection.end(now)
                controller.flip(backend, before, "")
            if ended:
                self.settle(name, ended)
            for backend in standing.move_ramps(pool, now):
                controller.tell(backend)
            due = min(due, standing.next_due(pool, now))
        return due

"""A word to all tasks that wait for a change, whatever it is."""

from __future__ import annotations

import trio


class Bell:
    """May be rung outside of Trio too. Nobody who looks first and then waits, with no checkpoint in between, misses
    a ring."""

    def __init__(self) -> None:
        self._next = trio.Event()

    def ring(self) -> None:
        """Wakes all who wait now. O(1) when nobody does."""
        self._next.set()
        self._next = trio.Event()

    async def wait(self) -> None:
        """Until the next ring."""
        await self._next.wait()

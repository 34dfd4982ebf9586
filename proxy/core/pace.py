"""The least rate at which a client must move the bytes of a body, whichever way they go."""

from __future__ import annotations

from math import inf


class Pace:
    """Counted in periods of time during which nothing but the client is waited for: each must bring enough.

    rate: bytes for each second of a period, 0 for any. period: seconds. moved: bytes until now, from any beginning.
    due: when the present period ends if the wait goes on; inf while it is not the client that is waited for.

    Not an average since the beginning: a client that sent 100 MiB at once could drip for days on what it saved.
    """

    __slots__ = ("_moved", "_period", "_rate", "_since", "_waited", "due")

    def __init__(self, rate: int, period: float, moved: int = 0) -> None:
        self._rate = rate
        self._period = period
        self._moved = moved
        self._since = self._waited = 0.0
        self.due = inf

    def wait(self, now: float) -> None:
        """From now on the client is waited for. Does nothing if it is already."""
        if self.due == inf and self._rate:
            self._since = now
            self.due = now + self._period - self._waited

    def pause(self, now: float) -> None:
        """Now somebody else is."""
        if self.due != inf:
            self._waited += now - self._since
            self.due = inf

    def is_kept(self, now: float, moved: int) -> bool:
        """Asked at `due`, or later: the seconds that passed count. The next period begins."""
        waited = self._waited + now - self._since
        is_enough = moved - self._moved >= self._rate * waited
        self._moved, self._since, self._waited = moved, now, 0.0
        self.due = now + self._period
        return is_enough

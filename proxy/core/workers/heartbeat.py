"""For how long a process that should show signs of life has shown none."""

from __future__ import annotations


class Heartbeat:
    """Looks at a sign of life, about every `interval` seconds, and adds up for how long it has been the same.

    A clock alone would not do: after a night's suspend, a paused virtual machine or Ctrl-Z and `fg` every process is
    silent for as long as whoever watches it was away. So that a pause between two looks counts as twice the interval
    at most: then whoever was away with us has had the time to go on.
    """

    def __init__(self, interval: float, now: float) -> None:
        """now: any clock that does not go back."""
        self._longest = 2 * interval
        self._sign = 0.0
        self._looked_at = now
        self.silent = 0.0

    def silence(self, sign: float, now: float) -> float:
        """A look; seconds. sign: anything that differs from the last one when the process has moved; 0 before."""
        pause = min(now - self._looked_at, self._longest)
        self._looked_at = now
        self.silent = self.silent + pause if sign == self._sign else 0.0
        self._sign = sign
        return self.silent

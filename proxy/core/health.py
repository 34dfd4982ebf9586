"""Rise and fall: how many probes in a row it takes to change a backend's state."""

from __future__ import annotations


class Health:
    """fall: failures in a row that make a healthy backend unhealthy; rise: successes in a row for the way back.

    Source: HAProxy's `rise` and `fall`, Pingora's consecutive thresholds.
    """

    __slots__ = ("_fall", "_rise", "_streak", "is_healthy")

    def __init__(self, *, rise: int = 2, fall: int = 3, is_healthy: bool = True) -> None:
        self._rise = rise
        self._fall = fall
        self._streak = 0  # results in a row that speak against the present state
        self.is_healthy = is_healthy

    @property
    def is_wavering(self) -> bool:
        """The last result spoke against the present state."""
        return self._streak > 0

    def observe(self, is_good: bool) -> bool:
        """Takes one result in; True when the state flipped, so that the change is acted on and logged once."""
        if is_good is self.is_healthy:
            self._streak = 0
            return False
        self._streak += 1
        if self._streak < (self._rise if is_good else self._fall):
            return False
        self.is_healthy = is_good
        self._streak = 0
        return True

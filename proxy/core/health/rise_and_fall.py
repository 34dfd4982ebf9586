"""Rise and fall: how many probes in a row it takes to change a backend's state; and when the next probe is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from proxy.core.config import HealthCheck

# Probes that begin together stay together: of 200 backends, at every interval, and of all proxies that were started by
# one command. A tenth more or less spreads them within ten rounds, and does not change how long anything takes to see.
JITTER = 0.1
FASTER = 4  # times as often while it matters
FIRST_WITHIN = 1.0  # seconds


class Health:
    """fall: failures in a row that make a healthy backend unhealthy; rise: successes in a row for the way back.

    Source: HAProxy's `rise` and `fall`, Pingora's consecutive thresholds.
    """

    __slots__ = ("_streak", "fall", "is_healthy", "rise")

    def __init__(self, *, rise: int = 2, fall: int = 3, is_healthy: bool = True) -> None:
        self.rise = rise
        self.fall = fall
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
        if self._streak < (self.rise if is_good else self.fall):
            return False
        self.set(is_good)
        return True

    def set(self, is_healthy: bool) -> None:
        """By something that counts more than a probe. Results in a row are counted anew."""
        self.is_healthy = is_healthy
        self._streak = 0


def first_pause(check: HealthCheck, rng: Random) -> float:
    """Seconds until the first probe of a backend: it may be down already, so that no whole interval is waited."""
    return rng.uniform(0, min(check.interval, FIRST_WITHIN))


def next_pause(check: HealthCheck, health: Health, rng: Random) -> float:
    """Seconds until the next probe: fewer while the backend is down, or its last probe spoke against its state."""
    is_settled = health.is_healthy and not health.is_wavering
    interval = check.interval if is_settled else check.fast_interval or check.interval / FASTER
    return interval * rng.uniform(1 - JITTER, 1 + JITTER)

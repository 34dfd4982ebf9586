"""How long a backend keeps idle connections, learnt from what it says and from what it does. No I/O."""

from __future__ import annotations

import math
import re

SHORTEST = 0.25  # seconds; a backend that closes sooner keeps no connections, and there is nothing to learn
APART = 0.2  # seconds; closes nearer to each other are one event: a backend that ends closes all it has
ALIKE = 0.8  # a timer closes at one age, so that ages as different as 4 s and 5 s come from something else
MEMORY = 600.0  # seconds until what was shown is taken to be half as long again
_TIMEOUT = re.compile(rb"(?:^|[,;\s])timeout\s*=\s*([0-9]{1,9})(?:$|[,;\s])", re.IGNORECASE)


def safe(seconds: float) -> float:
    """How long a connection may be used that the backend closes after so many idle seconds. A tenth is for timers that
    look only now and then; 0.1 s is for ours and for the way there."""
    return max(0.0, 0.9 * seconds - 0.1)


def timeout_of(value: bytes) -> float:
    """Of a `Keep-Alive` field, in seconds: `timeout=5, max=100`. Infinity when it names none."""
    found = _TIMEOUT.search(value)
    return float(found[1]) if found else math.inf


class IdleLife:
    """What one backend has shown.

    A request that is sent while the backend closes the connection is lost, and only idempotent ones are sent again. So
    connections are retired before the backend does it: by the timeout that it tells, or by the age at which it closed
    two that were idle, at two different moments. One close alone teaches nothing, since a backend that is restarted
    closes connections of any age.
    """

    __slots__ = ("_age", "_closed_at", "_learnt_at", "_shown", "_told")

    def __init__(self) -> None:
        self._told = math.inf
        self._shown = math.inf
        self._learnt_at = 0.0
        self._age = 0.0  # of the last connection that it closed, and when that was
        self._closed_at = -math.inf

    def told(self, seconds: float) -> None:
        """Its last word counts."""
        self._told = seconds

    def closed_after(self, idle: float, now: float) -> None:
        """It closed a connection that had been idle for so long."""
        if idle < SHORTEST or now - self._closed_at < APART:
            return
        low, high = sorted((idle, self._age))
        if low >= ALIKE * high:
            self._shown = low
            self._learnt_at = now
        self._age, self._closed_at = idle, now

    def longest(self, now: float, most: float) -> float:
        """Idle seconds after which to retire a connection; `most` where nothing shorter is known.

        What was shown is forgotten slowly: the backend may have got another configuration.
        """
        if self._shown < most and now - self._learnt_at > MEMORY:
            self._shown *= 1.5
            self._learnt_at = now
        return min(most, safe(min(self._told, self._shown)))

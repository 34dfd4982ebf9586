"""Slow start: a backend that comes back, or is new, gets a growing part of its weight at first. No I/O.

Its caches are cold, its pools of threads and connections empty, its code not compiled yet; and to least-connections it
looks the least busy of all, so that without this everything new would go to it at once.
"""

from __future__ import annotations

# Weights are whole numbers, so that of a pool in which one ramps all are multiplied by this. A twentieth a step is
# below what the policies' own unevenness is over a few hundred requests, and 20 changes of weight cost nothing.
STEPS = 20


def step_at(since: float, now: float, seconds: float) -> int:
    """How many of STEPS parts of its weight it has, 1 at the beginning; linear, as HAProxy's slowstart."""
    if seconds <= 0 or now - since >= seconds:
        return STEPS
    return max(1, int((now - since) / seconds * STEPS))


def until_next_step(since: float, now: float, seconds: float) -> float:
    """Seconds until `step_at` says more. For one that still ramps."""
    return max(since + seconds * (step_at(since, now, seconds) + 1) / STEPS - now, 0.0)


def scaled(weight: int, step: int) -> int:
    """The weight that a policy sees, while any of its pool ramps; 1 or more."""
    return weight * step

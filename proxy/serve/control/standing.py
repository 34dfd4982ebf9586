"""What follows for a pool as a whole from a change in one of its backends, or from time that passed.

Who is ejected depends on how the others do; whether any is left decides whether the rest is tried all the same; and one
that ramps changes the scale of all weights.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from proxy.core.health.ejection import outliers
from proxy.core.health.slow_start import STEPS, step_at, until_next_step

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from proxy.serve.control.controlled import Controlled


def find_outliers(pool: Collection[Controlled]) -> list[Controlled]:
    """Those to eject now."""
    if not any(backend.ejection.is_failing for backend in pool):
        return []
    in_service = [(backend, backend.ejection) for backend in pool if backend.condition == "ready"]
    ejected = sum(backend.is_ejected for backend in pool)
    most = max((backend.pool.ejection.max_percent for backend in pool), default=0)
    return outliers(in_service, backends=len(pool), ejected=ejected, max_percent=most)


def is_nobody_left(pool: Collection[Controlled]) -> bool:
    """No backend is in service, though the operator wants some to be, and their processes run."""
    may_serve = [backend for backend in pool if backend.mode == "enabled" and backend.is_started]
    return bool(may_serve) and not any(backend.condition == "ready" for backend in may_serve)


def try_all(pool: Collection[Controlled], is_wanted: bool) -> Iterator[Controlled]:
    """Gives work to those out of service, or stops that; those for whom it changes something."""
    for backend in pool:
        is_tried = is_wanted and backend.mode == "enabled" and backend.is_started
        if backend.is_tried is not is_tried:
            backend.is_tried = is_tried
            yield backend


def begin_ramp(backend: Controlled, pool: Collection[Controlled], now: float) -> None:
    """It came into service. Without others in service there is nobody to carry the rest of the work meanwhile."""
    if backend.pool.slow_start and any(other.condition == "ready" for other in pool if other is not backend):
        backend.ramps_since = now


def move_ramps(pool: Collection[Controlled], now: float) -> Iterator[Controlled]:
    """Sets everybody's step by the time; those whose weight, as policies see it, changes."""
    if not any(backend.ramps_since is not None or backend.is_scaled for backend in pool):
        return
    steps = {backend: _step(backend, now) for backend in pool}
    is_scaled = any(step < STEPS for step in steps.values())
    for backend, step in steps.items():
        if (backend.step, backend.is_scaled) != (step, is_scaled):
            backend.step, backend.is_scaled = step, is_scaled
            yield backend


def _step(backend: Controlled, now: float) -> int:
    if backend.ramps_since is None:
        return STEPS
    step = step_at(backend.ramps_since, now, backend.pool.slow_start or 0.0)
    if step == STEPS or backend.condition != "ready":
        backend.ramps_since = None
        return STEPS
    return step


def next_due(pool: Collection[Controlled], now: float) -> float:
    """When something follows from the time alone; infinite if nothing does."""
    due = math.inf
    for backend in pool:
        if backend.ejection.ends_at is not None:
            due = min(due, backend.ejection.ends_at)
        if backend.ramps_since is not None:
            due = min(due, now + until_next_step(backend.ramps_since, now, backend.pool.slow_start or 0.0))
    return due

"""The figures of a load by the names of `figures.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hdrh.histogram import HdrHistogram

if TYPE_CHECKING:
    from proxy.lab.results import LoadResult

_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9, "max": 100.0}
_CAUSES = {
    "refused": ("refused", "no-socket", "backlog-full"),
    "reset": ("reset", "closed"),
    "hung": ("timeout", "unsent"),
}


def latencies(load: LoadResult) -> dict[str, float]:
    """Seconds from the intended start; none where nothing was answered."""
    found = HdrHistogram.decode(load.latency)
    if not found.get_total_count():
        return {}
    return {name: found.get_value_at_percentile(share) / 1e6 for name, share in _PERCENTILES.items()}


def percentile(load: LoadResult, share: float) -> float:
    """Seconds that so many percent of the answers did not exceed; 0 where there were none."""
    return float(HdrHistogram.decode(load.latency).get_value_at_percentile(share)) / 1e6


def errors(load: LoadResult) -> dict[str, float]:
    """intended, failed, and of the failed those refused, reset and hung; the rest had a bad status or a bad answer."""
    known = {name: float(sum(load.errors.get(cause, 0) for cause in causes)) for name, causes in _CAUSES.items()}
    return {"intended": float(load.intended), "failed": float(sum(load.errors.values())), **known}


def doubts(load: LoadResult) -> tuple[str, ...]:
    """Why the generator does not stand by its result, as a note; empty when it does."""
    return () if load.valid else (f"not valid: {load.why_invalid}",)

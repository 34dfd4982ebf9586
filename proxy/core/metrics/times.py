"""Times in buckets: counted fine, for percentiles; told coarse, for Prometheus, with bounds that both have."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Renard's series R20, rounded: each bound is 12 % above the last, or 14, so that a percentile read from the middle of a
# bucket is 7 % off at most. 1, 2.5 and 5 are among them. 140 bounds cost a bisection of 8 steps, 0.1 us.
_SERIES = (1.0, 1.12, 1.25, 1.4, 1.6, 1.8, 2.0, 2.25, 2.5, 2.8, 3.15, 3.55, 4.0, 4.5, 5.0, 5.6, 6.3, 7.1, 8.0, 9.0)
_DECADES = range(-5, 2)  # from 10 us, the clock's own step at high load, to 100 s
BOUNDS = (*(float(f"{number}e{decade}") for decade in _DECADES for number in _SERIES), 100.0)
"""Upper bounds in seconds, inclusive, ascending; one more bucket takes what is longer."""
BUCKETS = len(BOUNDS) + 1

COARSE = (*(float(f"{number}e{decade}") for decade in _DECADES for number in (1, 2.5, 5)), 100.0)
"""Those of them that are told: 22, because Prometheus keeps a time series for each bound of each histogram."""
_CUTS = [BOUNDS.index(bound) + 1 for bound in COARSE]


def bucket_of(seconds: float) -> int:
    """Which bucket of `BOUNDS` it belongs to."""
    return bisect_left(BOUNDS, seconds)


class Times:
    """counts: by bucket, as a list because that is counted in twice as fast as a dictionary. sum: seconds."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * BUCKETS
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds

    def merge(self, counts: Mapping[int, int], seconds: float) -> None:
        """As `sparse` has them. What is told by another process may name a bucket that there is not."""
        for bucket, count in counts.items():
            self.counts[min(bucket, BUCKETS - 1)] += count
        self.sum += seconds

    def sparse(self) -> dict[int, int]:
        """By bucket, those with something in them."""
        return {bucket: count for bucket, count in enumerate(self.counts) if count}

    @property
    def count(self) -> int:
        return sum(self.counts)

    def coarse(self) -> list[int]:
        """How many in each bucket of `COARSE`, and how many are longer than its last bound."""
        below = [0, *accumulate(self.counts)]
        cuts = [0, *_CUTS, BUCKETS]
        return [below[end] - below[start] for start, end in pairwise(cuts)]


def percentiles(counts: Mapping[int, int], shares: Iterable[float]) -> list[float] | None:
    """Seconds for each share of 1, ascending; None where nothing was counted.

    counts: by bucket. Within a bucket times are taken as evenly spread. What is over the last bound reads as it.
    """
    total = sum(counts.values())
    if not total:
        return None
    found = []
    buckets = iter(sorted(counts.items()))
    bucket, here = next(buckets)
    before = 0
    for share in shares:
        rank = share * total
        while before + here < rank:
            before += here
            bucket, here = next(buckets)
        found.append(_within(bucket, (rank - before) / here if here else 1.0))
    return found


def _within(bucket: int, part: float) -> float:
    if bucket >= len(BOUNDS):
        return BOUNDS[-1]
    low = BOUNDS[bucket - 1] if bucket else 0.0
    return low + (BOUNDS[bucket] - low) * part

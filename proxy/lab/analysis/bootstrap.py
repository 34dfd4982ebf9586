"""How sure a median is that was measured a few times."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from random import Random
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LEVEL = 0.95
RESAMPLES = 5000  # the 2.5 % at each end are then 125 draws, known to 9 %


@dataclass(frozen=True, slots=True)
class Estimate:
    """values: of each repetition, ascending. low, high: the bootstrap interval of their median; where there is one
    value, that value, and nothing is known of how far another would be from it."""

    values: tuple[float, ...]
    median: float
    low: float
    high: float

    @property
    def repetitions(self) -> int:
        return len(self.values)

    @property
    def coverage(self) -> float:
        """The least probability that the interval has the true median in it, whatever the values are distributed like:
        0.75 for three of them, 0.94 for five, since no interval within them is surer than that they are not all on the
        same side of it; then 0.78 to 0.96, the nearer to `LEVEL` the more they are.

        Source: David and Nagaraja, Order Statistics, 2003, section 7.1.
        """
        count = len(self.values)
        first, last = bisect_left(self.values, self.low), bisect_right(self.values, self.high)
        within = sum(comb(count, below) for below in range(first + 1, last))
        return within / float(2**count)

    def overlaps(self, other: Estimate) -> bool:
        return self.low <= other.high and other.low <= self.high


def estimate(values: Iterable[float]) -> Estimate:
    """At least one value. The same values give the same interval.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3: the percentile interval.
    """
    ordered = tuple(sorted(values))
    pairs = _medians(len(ordered))
    medians = sorted(((ordered[low] + ordered[high]) / 2, count) for (low, high), count in pairs)
    margin = (1 - LEVEL) / 2 * RESAMPLES
    low = _after(medians, margin)
    high = _after(medians[::-1], margin)
    return Estimate(ordered, median(ordered), low, high)


@lru_cache(maxsize=64)
def _medians(size: int) -> tuple[tuple[tuple[int, int], int], ...]:
    """Which two of `size` ascending values the median of a resample lay between, and in how many resamples: the same
    for all values, so that a report of a thousand estimates draws once for each number of repetitions."""
    rng = Random(size)
    found: Counter[tuple[int, int]] = Counter()
    for _ in range(RESAMPLES):
        drawn = sorted(rng.choices(range(size), k=size))
        found[drawn[(size - 1) // 2], drawn[size // 2]] += 1
    return tuple(found.items())


def _after(medians: Iterable[tuple[float, int]], margin: float) -> float:
    """The first that has more than `margin` resamples up to it."""
    passed = 0
    for value, count in medians:  # noqa: B007 - the last one where rounding leaves none
        passed += count
        if passed > margin:
            break
    return value

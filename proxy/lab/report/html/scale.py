"""From values to pixels, and where axes have their marks."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

DECADE = 10.0


@dataclass(frozen=True, slots=True)
class Linear:
    """low, high: values; begin, end: pixels. What is beyond them is drawn at the edge."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        if self.high <= self.low:
            return self.begin
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)


@dataclass(frozen=True, slots=True)
class Logarithmic:
    """The same; low is above 0."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        inner = Linear(log10(self.low), log10(self.high), self.begin, self.end)
        return inner(log10(max(value, self.low)) if value != float("inf") else log10(self.high))

    def ticks(self) -> list[float]:
        """1, 2 and 5 of each decade for less than two decades; else 1, or every other 1."""
        first, last = floor(log10(self.low)), ceil(log10(self.high))
        decades = last - first
        factors = (1, 2, 5) if log10(self.high / self.low) < 2 else (1,)
        every = 1 if decades < 6 else 2
        values = (factor * DECADE**power for power in range(first, last + 1, every) for factor in factors)
        return [value for value in values if self.low * 0.999 <= value <= self.high * 1.001]


def logarithmic(values: Iterable[float], begin: float, end: float) -> Logarithmic | None:
    """Around all that are above 0 and not endless; at least half a decade, so that noise is not drawn as hills. None
    for nothing to draw."""
    known = [value for value in values if value > 0 and isfinite(value)]
    if not known:
        return None
    low, high = min(known) / 1.15, max(known) * 1.15
    if high < low * DECADE**0.5:
        middle = (low * high) ** 0.5
        low, high = middle / DECADE**0.25, middle * DECADE**0.25
    return Logarithmic(low, high, begin, end)


def from_zero(values: Iterable[float], begin: float, end: float) -> Linear:
    known = [value for value in values if isfinite(value)]
    return Linear(0.0, max(known, default=0.0) or 1.0, begin, end)

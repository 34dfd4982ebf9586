"""Quantiles from buckets."""

from __future__ import annotations

import pytest

from proxy.core.statistics import Histogram
from proxy.top.quantiles import quantile, since, together


def histogram(*counts: int, bounds: tuple[float, ...] = (1.0, 2.0, 4.0)) -> Histogram:
    return Histogram(bounds=bounds, counts=counts, sum=float(sum(counts)), count=sum(counts))


@pytest.mark.parametrize(
    ("counts", "share", "seconds"),
    [
        ((0, 10, 10, 0), 0.5, 2.0),
        ((0, 10, 10, 0), 0.75, 3.0),
        ((10, 0, 0, 0), 0.5, 0.5),
        ((0, 0, 0, 5), 0.5, 4.0),
        ((1, 0, 0, 99), 0.99, 4.0),
    ],
)
def test_by_a_straight_line(counts: tuple[int, ...], share: float, seconds: float) -> None:
    assert quantile(histogram(*counts), share) == pytest.approx(seconds)


def test_nothing_has_no_quantiles() -> None:
    assert quantile(None, 0.5) is None
    assert quantile(histogram(0, 0, 0, 0), 0.5) is None


def test_since() -> None:
    newer = histogram(3, 2, 1, 0)
    assert since(histogram(1, 2, 0, 0), newer) == histogram(2, 0, 1, 0)
    assert since(None, newer) == newer
    assert since(histogram(9, 9, 9, 9), newer) == newer
    assert since(histogram(1, 0, bounds=(1.0,)), newer) == newer


def test_together() -> None:
    assert together([]) is None
    assert together([histogram(1, 2, 3, 4), histogram(1, 0, 0, 0)]) == histogram(2, 2, 3, 4)

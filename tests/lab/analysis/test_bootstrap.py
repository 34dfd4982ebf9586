from __future__ import annotations

from math import log
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.lab.analysis.bootstrap import Estimate, estimate

numbers = st.lists(st.floats(0, 1e6), min_size=1, max_size=12)


@given(numbers)
def test_the_interval_is_within_the_values_and_has_their_median(values: list[float]) -> None:
    found = estimate(values)
    assert min(values) <= found.low <= found.median <= found.high <= max(values)
    assert found.median == median(values)


@given(numbers, st.integers(0, 9))
def test_order_does_not_count(values: list[float], seed: int) -> None:
    shuffled = values.copy()
    Random(seed).shuffle(shuffled)
    assert estimate(shuffled) == estimate(values)


def test_one_value_says_nothing_of_another() -> None:
    found = estimate([7])
    assert (found.low, found.median, found.high) == (7, 7, 7)
    assert found.coverage == 0


def test_three_values_are_as_sure_as_all_of_them_together() -> None:
    found = estimate([3, 1, 2])
    assert (found.low, found.median, found.high) == (1, 2, 3)
    assert found.coverage == 0.75


@pytest.mark.parametrize(("count", "low", "high"), [(2, 0.5, 0.5), (5, 0.93, 0.94), (6, 0.78, 0.97), (100, 0.9, 0.98)])
def test_coverage(count: int, low: float, high: float) -> None:
    assert low <= estimate(range(count)).coverage <= high


@pytest.mark.parametrize("size", [5, 15])
def test_the_interval_has_the_true_median_as_often_as_it_says(size: int) -> None:
    """600 samples of an exponential distribution; three standard deviations of that are 3 to 4 %."""
    rng = Random(1)
    found = [estimate([rng.expovariate(1) for _ in range(size)]) for _ in range(600)]
    hits = sum(one.low <= log(2) <= one.high for one in found)
    assert hits / 600 == pytest.approx(found[0].coverage, abs=0.04)


def test_an_endless_value_is_a_value() -> None:
    found = estimate([1, float("inf"), 2])
    assert (found.low, found.median, found.high) == (1, 2, float("inf"))


def test_overlap() -> None:
    first = Estimate((), 2, 1, 3)
    assert first.overlaps(Estimate((), 4, 3, 5))
    assert first.overlaps(Estimate((), 2, 2, 2))
    assert not first.overlaps(Estimate((), 5, 4, 6))
    assert not Estimate((), 5, 4, 6).overlaps(first)

from __future__ import annotations

from collections import Counter
from math import sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.metrics.fairness import jain_index
from proxy.lab.analysis.fairness import chance_cv, cv, max_over_mean

shares = st.lists(st.integers(0, 1000), max_size=20)


@pytest.mark.parametrize(
    ("counts", "deviation", "largest"),
    [([], 0, 1), ([0, 0], 0, 1), ([5, 5, 5], 0, 1), ([9, 0, 0], sqrt(2), 3), ([3, 1], 0.5, 1.5)],
)
def test_of_known_shares(counts: list[float], deviation: float, largest: float) -> None:
    assert cv(counts) == pytest.approx(deviation)
    assert max_over_mean(counts) == pytest.approx(largest)


@given(shares)
def test_the_deviation_and_jains_index_say_the_same(counts: list[int]) -> None:
    assert jain_index(counts) == pytest.approx(1 / (1 + cv(counts) ** 2))


@given(shares, st.integers(1, 9))
def test_only_proportions_count(counts: list[int], times: int) -> None:
    many = [count * times for count in counts]
    assert cv(many) == pytest.approx(cv(counts))
    assert max_over_mean(many) == pytest.approx(max_over_mean(counts))


@pytest.mark.parametrize(("workers", "connections"), [(2, 10), (4, 200), (16, 40)])
def test_chance_is_what_drawing_gives(workers: int, connections: int) -> None:
    """2,000 draws: the mean of their squares is within a tenth."""
    rng = Random(1)
    squares = 0.0
    for _ in range(2000):
        counts = Counter(rng.randrange(workers) for _ in range(connections))
        squares += cv([counts[worker] for worker in range(workers)]) ** 2
    assert sqrt(squares / 2000) == pytest.approx(chance_cv(workers, connections), rel=0.1)


@pytest.mark.parametrize(("workers", "connections"), [(0, 0), (1, 5), (4, 0)])
def test_chance_has_nothing_to_do(workers: int, connections: int) -> None:
    assert chance_cv(workers, connections) == 0

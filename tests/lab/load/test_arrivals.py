"""Moments of arrival against what is expected of them: how many, how far apart, and the same from the same seed."""

from __future__ import annotations

import itertools
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.lab.load.arrivals import arrivals, moment
from proxy.lab.load.spec import LoadSpec

TARGET = "127.0.0.1:80"


def moments(seconds: float, **fields: object) -> list[float]:
    return list(arrivals(LoadSpec(TARGET, **fields), seconds))  # type: ignore[arg-type]


def test_constant_arrivals_are_evenly_apart() -> None:
    assert moments(1, rate=4, arrivals="constant") == [0, 0.25, 0.5, 0.75]


def test_bursts_come_at_the_same_moment_and_make_the_rate() -> None:
    assert moments(1, rate=4, arrivals="bursts", burst=2) == [0, 0, 0.5, 0.5]


def test_poisson_arrivals_are_exponentially_apart() -> None:
    found = moments(100, rate=200)
    gaps = [later - earlier for earlier, later in itertools.pairwise(found)]
    assert len(found) == pytest.approx(20_000, rel=0.05)
    assert statistics.stdev(gaps) == pytest.approx(statistics.mean(gaps), rel=0.05)
    assert statistics.median(gaps) == pytest.approx(math.log(2) / 200, rel=0.05)


def test_the_same_seed_gives_the_same_moments() -> None:
    assert moments(1, seed=7) == moments(1, seed=7) != moments(1, seed=8)


def test_a_ramp_has_a_quarter_of_its_arrivals_in_its_first_half() -> None:
    """From 0 to r within t: r * t / 2 in all, an eighth of r * t by the middle."""
    found = moments(10, rate=1e-9, ramp_to=1000, arrivals="constant")
    assert len(found) == pytest.approx(5000, abs=2)
    assert sum(at < 5 for at in found) == pytest.approx(1250, abs=2)


def test_a_ramp_down_to_nothing_ends() -> None:
    assert len(moments(10, rate=1000, ramp_to=0, arrivals="constant")) == pytest.approx(5000, abs=1)


@given(st.floats(0.1, 1e5), st.floats(0, 1e5), st.floats(0.1, 1000), st.floats(0, 1))
def test_the_moment_is_the_one_by_which_that_many_are_expected(
    rate: float, end: float, seconds: float, share: float
) -> None:
    expected = share * (rate + end) / 2 * seconds
    at = moment(expected, rate, end, seconds)
    if share < 0.999:  # at the very end of a ramp to 0 rounding decides whether it is reached
        assert rate * at + (end - rate) / seconds * at * at / 2 == pytest.approx(expected, rel=1e-6, abs=1e-6)

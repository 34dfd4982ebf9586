from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.metrics.times import BOUNDS, BUCKETS, COARSE, Times, bucket_of, percentiles

seconds = st.floats(0, 1000, allow_nan=False)


def test_bounds_ascend_by_a_seventh_or_less_and_have_the_coarse_ones() -> None:
    assert all(1 < after / before <= 1.15 for before, after in pairwise(BOUNDS))
    assert set(COARSE) <= set(BOUNDS)
    assert (BOUNDS[0], BOUNDS[-1]) == (COARSE[0], COARSE[-1]) == (1e-5, 100.0)


@given(seconds)
def test_a_bound_belongs_to_its_own_bucket(time: float) -> None:
    bucket = bucket_of(time)
    assert bucket == BUCKETS - 1 or time <= BOUNDS[bucket]
    assert bucket == 0 or time > BOUNDS[bucket - 1]


@given(st.lists(seconds))
def test_coarse_buckets_have_what_a_look_at_each_time_finds(all_times: list[float]) -> None:
    times = Times()
    for time in all_times:
        times.add(time)
    below = [sum(time <= bound for time in all_times) for bound in COARSE]
    expected = [after - before for before, after in pairwise([0, *below, len(all_times)])]
    assert times.coarse() == expected
    assert times.count == len(all_times)
    assert times.sum == pytest.approx(sum(all_times))


@given(st.lists(seconds), st.lists(seconds))
def test_what_is_merged_is_as_if_it_had_been_added(some: list[float], more: list[float]) -> None:
    times, others, expected = Times(), Times(), Times()
    for time in some:
        times.add(time)
        expected.add(time)
    for time in more:
        others.add(time)
        expected.add(time)
    times.merge(others.sparse(), others.sum)
    assert times.counts == expected.counts


def test_a_bucket_that_there_is_not_counts_as_the_last() -> None:
    times = Times()
    times.merge({10**9: 3}, 0.0)
    assert times.sparse() == {BUCKETS - 1: 3}


@given(st.lists(st.floats(1e-4, 99), min_size=1, max_size=200))
def test_a_percentile_is_near_the_one_of_the_times_themselves(all_times: list[float]) -> None:
    times = Times()
    for time in all_times:
        times.add(time)
    found = percentiles(times.sparse(), (0.5, 0.9, 0.99))
    assert found is not None
    ordered = sorted(all_times)
    for share, value in zip((0.5, 0.9, 0.99), found, strict=True):
        true = ordered[max(0, -(-round(share * len(ordered) * 100) // 100) - 1)]
        assert true / 1.15 <= value <= true * 1.15


def test_percentiles_of_nothing_and_of_what_is_longer_than_all_bounds() -> None:
    assert percentiles({}, (0.5,)) is None
    assert percentiles({BUCKETS - 1: 1}, (0.5, 0.99)) == [100.0, 100.0]
    assert percentiles({0: 2}, (0.0, 1.0)) == [0.0, 1e-5]

"""The pace of a client: a virtual clock, waits and pauses in any order, and what the rule says of them."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.pace import Pace

START = 1000.0


def test_a_period_that_brings_enough_is_followed_by_the_next() -> None:
    pace = Pace(100, 10.0)
    pace.wait(START)
    assert pace.due == START + 10
    assert pace.is_kept(START + 10, 1000)
    assert pace.due == START + 20
    assert not pace.is_kept(START + 20, 1999)


def test_what_was_moved_before_a_period_is_no_savings() -> None:
    pace = Pace(100, 10.0)
    pace.wait(START)
    assert pace.is_kept(START + 10, 1 << 30)
    assert not pace.is_kept(START + 20, (1 << 30) + 999)


def test_what_was_moved_before_the_first_wait_neither() -> None:
    pace = Pace(100, 10.0, moved=5000)
    pace.wait(START)
    assert not pace.is_kept(START + 10, 5999)


def test_time_spent_waiting_for_others_does_not_count() -> None:
    pace = Pace(100, 10.0)
    pace.wait(START)
    pace.pause(START + 4)
    pace.pause(START + 5)  # says nothing new
    assert pace.due == inf
    pace.wait(START + 500)
    pace.wait(START + 501)
    assert pace.due == START + 506
    assert pace.is_kept(START + 506, 1000)


def test_a_look_that_comes_late_counts_the_seconds_that_passed() -> None:
    pace = Pace(100, 10.0)
    pace.wait(START)
    assert not pace.is_kept(START + 13, 1299)
    assert pace.due == START + 23


def test_no_rate_is_never_due() -> None:
    pace = Pace(0, 10.0)
    pace.wait(START)
    assert pace.due == inf


@pytest.mark.parametrize("rate", [1, 240])
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 8), st.integers(0, 2000)), min_size=1))
def test_the_rule(rate: int, steps: list[tuple[bool, int, int]]) -> None:
    """Of each step: is the client waited for, for how many seconds, and what did it move? Quarters are exact floats."""
    pace = Pace(rate, 2.0)
    now, moved, waited, brought = START, 0, 0.0, 0
    for is_clients, quarters, size in steps:
        (pace.wait if is_clients else pace.pause)(now)
        for _ in range(quarters):
            now += 0.25
            waited += 0.25 if is_clients else 0.0
            moved += size
            brought += size
            assert (now >= pace.due) is (is_clients and waited >= 2.0)
            if now >= pace.due:
                assert pace.is_kept(now, moved) is (brought >= rate * waited)
                waited, brought = 0.0, 0

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.health.slow_start import STEPS, scaled, step_at, until_next_step


def test_it_begins_with_a_twentieth_and_ends_with_all() -> None:
    assert [step_at(100, now, 30) for now in (100, 102.9, 103, 115, 129.9, 130, 500)] == [1, 1, 2, 10, 19, 20, 20]


def test_without_a_time_it_has_all_at_once() -> None:
    assert step_at(100, 100, 0) == STEPS


def test_a_policy_sees_whole_weights() -> None:
    assert [scaled(weight, step) for weight, step in ((1, 1), (1, STEPS), (3, 10))] == [1, 20, 30]


@given(st.floats(0, 1e6), st.floats(0.1, 86400), st.floats(0, 1))
def test_who_waits_as_long_as_it_says_sees_more(since: float, seconds: float, part: float) -> None:
    now = since + seconds * part * 0.999
    before = step_at(since, now, seconds)
    if before < STEPS:
        later = now + until_next_step(since, now, seconds)
        assert step_at(since, later + 1e-6 * (since + seconds), seconds) > before

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.health import Health


def test_falls_after_failures_in_a_row_and_rises_after_successes_in_a_row() -> None:
    health = Health(rise=2, fall=3)
    assert [health.observe(is_good) for is_good in (False, False, False)] == [False, False, True]
    assert not health.is_healthy
    assert [health.observe(is_good) for is_good in (True, False, True, True)] == [False, False, False, True]
    assert health.is_healthy


def test_one_success_in_between_starts_the_count_again() -> None:
    health = Health(fall=2)
    assert not any(health.observe(is_good) for is_good in (False, True) * 10)
    assert health.is_healthy


def test_may_start_unhealthy() -> None:
    health = Health(rise=1, is_healthy=False)
    assert health.observe(True)
    assert health.is_healthy


@given(st.integers(1, 5), st.integers(1, 5), st.lists(st.booleans()))
def test_flips_exactly_when_enough_results_in_a_row_speak_against_the_state(
    rise: int, fall: int, results: list[bool]
) -> None:
    health = Health(rise=rise, fall=fall)
    streak = 0
    for is_good in results:
        before = health.is_healthy
        streak = 0 if is_good is before else streak + 1
        is_due = streak == (fall if before else rise)
        assert health.observe(is_good) is is_due
        assert health.is_healthy is (not before if is_due else before)
        streak = 0 if is_due else streak

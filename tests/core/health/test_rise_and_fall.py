from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.config import HealthCheck
from proxy.core.health.rise_and_fall import Health, first_pause, next_pause


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


def test_what_is_set_begins_a_new_row() -> None:
    health = Health(rise=2, fall=2)
    health.observe(False)
    health.set(True)
    assert not health.is_wavering
    assert not health.observe(False)
    health.set(False)
    assert [health.observe(True), health.observe(True)] == [False, True]


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


@given(st.integers(0, 1000))
def test_probes_are_spread_and_come_sooner_when_it_matters(seed: int) -> None:
    rng = Random(seed)
    check = HealthCheck(interval=2.0)
    health = Health()
    assert 0 <= first_pause(check, rng) <= 1
    assert 0 <= first_pause(HealthCheck(interval=0.1), rng) <= 0.1
    assert 1.8 <= next_pause(check, health, rng) <= 2.2
    health.observe(False)
    assert 0.45 <= next_pause(check, health, rng) <= 0.55
    health.set(False)
    assert 0.45 <= next_pause(check, health, rng) <= 0.55
    assert 0.09 <= next_pause(HealthCheck(fast_interval=0.1), health, rng) <= 0.11

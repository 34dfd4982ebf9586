"""What a backend says and shows of its idle connections, and how old they may get after that."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.keep_alive import APART, MEMORY, SHORTEST, IdleLife, safe, timeout_of

MOST = 30.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"timeout=5", 5.0),
        (b"timeout=5, max=100", 5.0),
        (b"max=100, Timeout = 72", 72.0),
        (b"max=100", math.inf),
        (b"", math.inf),
        (b"mytimeout=5", math.inf),
        (b"timeout=-5", math.inf),
        (b"timeout=5s", math.inf),
        (b"timeout=" + b"9" * 40, math.inf),
    ],
)
def test_keep_alive_field(value: bytes, expected: float) -> None:
    assert timeout_of(value) == expected


def test_nothing_is_known_at_first() -> None:
    assert IdleLife().longest(0.0, MOST) == MOST


def test_what_it_says_counts_at_once_and_the_last_word_most() -> None:
    life = IdleLife()
    life.told(5.0)
    assert life.longest(0.0, MOST) == safe(5.0) < 5.0
    life.told(10.0)
    assert life.longest(0.0, MOST) == safe(10.0)
    life.told(100.0)
    assert life.longest(0.0, MOST) == MOST


def test_two_closes_at_one_age_and_two_moments_teach() -> None:
    life = IdleLife()
    life.closed_after(5.0, 100.0)
    assert life.longest(100.0, MOST) == MOST
    life.closed_after(5.1, 107.0)
    assert life.longest(107.0, MOST) == safe(5.0)


def test_one_moment_is_one_close_however_many_connections_it_ends() -> None:
    life = IdleLife()
    for number in range(100):
        life.closed_after(5.0, 100.0 + number * 0.001)
    assert life.longest(101.0, MOST) == MOST


def test_different_ages_teach_nothing() -> None:
    life = IdleLife()
    for number, age in enumerate((1.0, 9.0, 3.0, 20.0)):
        life.closed_after(age, 100.0 + number)
    assert life.longest(110.0, MOST) == MOST


def test_what_closes_at_once_keeps_nothing_and_teaches_nothing() -> None:
    life = IdleLife()
    life.closed_after(SHORTEST / 2, 100.0)
    life.closed_after(SHORTEST / 2, 200.0)
    assert life.longest(200.0, MOST) == MOST


def test_what_was_shown_is_forgotten_slowly() -> None:
    life = IdleLife()
    life.closed_after(5.0, 100.0)
    life.closed_after(5.0, 110.0)
    assert life.longest(110.0 + MEMORY, MOST) == safe(5.0)
    now, ages = 110.0, []
    for _ in range(10):
        now += MEMORY + 1
        ages.append(life.longest(now, MOST))
    assert ages == sorted(ages)
    assert ages[0] == safe(7.5)
    assert ages[-1] == MOST


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50))), st.floats(0.01, 100))
def test_never_longer_than_allowed_and_never_below_what_was_seen(
    closes: list[tuple[float, float]], most: float
) -> None:
    life, now = IdleLife(), 0.0
    for age, pause in closes:
        now += pause
        life.closed_after(age, now)
        assert 0 <= life.longest(now, most) <= most
        seen = [age for age, _ in closes if age >= SHORTEST]
        assert life.longest(now, most) >= min(most, safe(min(seen, default=math.inf)))


@given(st.floats(SHORTEST, 60), st.lists(st.floats(2 * APART, 20), min_size=2))
def test_a_timer_is_learnt_with_a_margin(timer: float, pauses: list[float]) -> None:
    life, now = IdleLife(), 0.0
    for pause in pauses:
        now += pause
        life.closed_after(timer, now)
    assert life.longest(now, math.inf) < timer

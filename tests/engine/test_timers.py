"""The wheel under a clock of our own: nothing is called early, nothing late by more than a tick."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.engine.timers import MOST, TICK, Bucket, Wheel

HORIZON = 1.0
LATE = TICK + 1e-6


class Clock:
    """What the wheel sees of a reactor."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.crashes: list[Exception] = []

    def crashed(self, handler: object, error: Exception) -> None:
        self.crashes.append(error)
        handler.__self__.crashed(error)  # type: ignore[attr-defined]


class Item:
    def __init__(self, wheel: Wheel, clock: Clock, deadline: float) -> None:
        self.wheel, self.clock = wheel, clock
        self.deadline = deadline
        self.bucket: Bucket | None = None
        self.fired: list[float] = []
        self.then = self.end

    def end(self) -> None:
        self.wheel.remove(self)

    def timed_out(self) -> None:
        self.fired.append(self.clock.now)
        self.then()

    def crashed(self, error: Exception) -> None:
        self.end()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wheel(clock: Clock) -> Wheel:
    return Wheel(clock, HORIZON)  # type: ignore[arg-type]


def add(wheel: Wheel, clock: Clock, seconds: float) -> Item:
    item = Item(wheel, clock, clock.now + seconds)
    wheel.add(item)
    return item


def run(wheel: Wheel, clock: Clock, until: float, step: float = TICK) -> None:
    while clock.now < until:
        clock.now += step
        wheel.turn(clock.now)


def test_deadline_is_noticed_within_a_tick_and_never_early(wheel: Wheel, clock: Clock) -> None:
    items = [add(wheel, clock, seconds) for seconds in (0.01, 0.1, 0.55, 3.0, 7.77)]
    run(wheel, clock, clock.now + 9)
    for item in items:
        assert len(item.fired) == 1
        assert item.deadline <= item.fired[0] <= item.deadline + LATE
    assert wheel.members() == []


def test_removed_in_time_is_never_called(wheel: Wheel, clock: Clock) -> None:
    item = add(wheel, clock, 0.5)
    wheel.remove(item)
    wheel.remove(item)
    run(wheel, clock, clock.now + 2)
    assert item.fired == []


def test_adding_twice_is_once(wheel: Wheel, clock: Clock) -> None:
    item = add(wheel, clock, 0.5)
    wheel.add(item)
    assert wheel.members() == [item]
    run(wheel, clock, clock.now + 2)
    assert len(item.fired) == 1


def test_one_that_does_not_end_is_asked_again(wheel: Wheel, clock: Clock) -> None:
    item = add(wheel, clock, 0.5)

    def later() -> None:
        item.deadline = clock.now + HORIZON
        if len(item.fired) == 3:
            item.end()

    item.then = later
    run(wheel, clock, clock.now + 6)
    assert len(item.fired) == 3


def test_one_that_ends_another_of_the_same_tick_spares_it(wheel: Wheel, clock: Clock) -> None:
    first, second = add(wheel, clock, 0.5), add(wheel, clock, 0.5)
    first.then = second.then = lambda: (first.end(), second.end())[0]
    run(wheel, clock, clock.now + 2)
    assert len(first.fired) + len(second.fired) == 1


def test_crowd_that_is_due_at_once_is_called_in_turns(wheel: Wheel, clock: Clock) -> None:
    items = [add(wheel, clock, 0.5) for _ in range(3 * MOST + 1)]
    young = [add(wheel, clock, 0.5) for _ in range(10)]
    for item in young:
        item.deadline += 10
    clock.now += 0.7
    turns = [sum(len(item.fired) for item in items)]
    while wheel.turn(clock.now):
        turns.append(sum(len(item.fired) for item in items))
        assert len(wheel.members()) == len(items) + len(young) - turns[-1]
    assert turns == [0, MOST, 2 * MOST, 3 * MOST]
    assert all(len(item.fired) == 1 for item in items)
    assert set(wheel.members()) == set(young)
    assert not any(item.fired for item in young)


def test_error_ends_its_own_and_the_others_go_on(wheel: Wheel, clock: Clock) -> None:
    bad, good = add(wheel, clock, 0.5), add(wheel, clock, 0.5)

    def boom() -> None:
        raise RuntimeError

    bad.then = boom
    run(wheel, clock, clock.now + 2)
    assert len(clock.crashes) == 1
    assert (len(bad.fired), len(good.fired)) == (1, 1)
    assert wheel.members() == []


def test_clock_that_leaps_calls_everything_that_is_due_once(wheel: Wheel, clock: Clock) -> None:
    items = [add(wheel, clock, seconds) for seconds in (0.5, 60.0, 3600.0, 10_000.0)]
    clock.now += 3700
    wheel.turn(clock.now)
    assert [len(item.fired) for item in items] == [1, 1, 1, 0]


def test_infinite_deadline_is_none(wheel: Wheel, clock: Clock) -> None:
    item = add(wheel, clock, math.inf)
    run(wheel, clock, clock.now + 3)
    assert item.fired == []
    item.deadline = clock.now + HORIZON
    run(wheel, clock, clock.now + 2)
    assert len(item.fired) == 1


MOVES = st.lists(st.tuples(st.floats(0.01, 1.5), st.one_of(st.none(), st.floats(HORIZON, 5.0))), max_size=25)


@given(st.floats(0.0, 100.0), MOVES, st.floats(0.01, TICK))
def test_deadline_that_moves_nearer_and_farther_is_never_missed(start: float, moves: list[tuple[float, float | None]],
                                                                step: float) -> None:  # fmt: skip
    """Each move sets it to no less than the horizon ahead, as every timeout is. The wheel turns once in a tick."""
    clock = Clock(start)
    wheel = Wheel(clock, HORIZON)  # type: ignore[arg-type]
    item = add(wheel, clock, HORIZON)
    due = item.deadline
    for pause, ahead in moves:
        run(wheel, clock, clock.now + pause, max(step, 0.03))
        if item.fired:
            break
        if ahead is not None:
            due = item.deadline = clock.now + ahead
    run(wheel, clock, due + 1.0, TICK)
    assert len(item.fired) == 1
    assert due <= item.fired[0] <= due + 2 * LATE  # a tick of the wheel, and one until its task is woken


def test_a_shorter_timeout_is_noticed_in_time(clock: Clock) -> None:
    """What was looked at before stands where only the longer horizon would find it."""
    wheel = Wheel(clock, 100.0)  # type: ignore[arg-type]
    item = add(wheel, clock, 1000.0)
    wheel.set_horizon(HORIZON)
    item.deadline = clock.now + 2.0  # as sessions do: a store, of which nobody is told
    while clock.now < 1003.0:
        clock.now += TICK
        wheel.turn(clock.now)
    assert item.fired == [pytest.approx(1002.0, abs=2 * LATE)]

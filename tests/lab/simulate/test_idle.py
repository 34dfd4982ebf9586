"""Who of the idle is next."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.lab.simulate.idle import AnyIdle, FirstIdle, Idle, LongestIdle
from proxy.lab.simulate.work import Worker

ALL = (LongestIdle, AnyIdle, FirstIdle)


def filled(idle: Idle, count: int = 4) -> list[Worker]:
    workers = [Worker(number, 1) for number in range(count)]
    for worker in workers:
        idle.add(worker)
    return workers


@pytest.mark.parametrize("kind", ALL)
@given(toggled=st.lists(st.integers(0, 5), max_size=40))
def test_next_is_always_one_of_the_idle(kind: type[LongestIdle], toggled: list[int]) -> None:
    idle = kind(Random(1))
    workers = filled(idle, 6)
    inside = set(workers)
    for number in toggled:
        worker = workers[number]
        if worker in inside:
            idle.remove(worker)
            inside.remove(worker)
        else:
            idle.add(worker)
            inside.add(worker)
        chosen = idle.next()
        assert chosen in inside if inside else chosen is None


def test_the_one_idle_for_longest() -> None:
    idle = LongestIdle(Random(1))
    first, second, third, fourth = filled(idle)
    idle.remove(first)
    idle.add(first)
    assert [idle.next() for _ in range(5)] == [second, third, fourth, first, second]


def test_any_of_them() -> None:
    idle = AnyIdle(Random(1))
    workers = filled(idle)
    idle.remove(workers[0])
    counts = Counter(idle.next() for _ in range(3000))
    assert set(counts) == set(workers[1:])
    assert min(counts.values()) > 900


def test_the_first_registered_that_is_idle() -> None:
    idle = FirstIdle(Random(1))
    first, second, *_ = filled(idle)
    assert idle.next() is first
    idle.remove(first)
    assert idle.next() is second
    idle.add(first)
    assert idle.next() is first

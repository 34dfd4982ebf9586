from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import cycle, groupby, islice
from math import ceil, log2
from random import Random

import pytest
from balance_support import Backend, Counted, backends_of, filled, picks
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.balance.round_robin import RoundRobin

WEIGHTS = st.lists(st.integers(1, 12), min_size=1, max_size=8)


def names(chosen: list[Backend]) -> str:
    return "".join(backend.name for backend in chosen)


def assert_exact_windows(chosen: list[Backend], backends: list[Backend]) -> None:
    """Any sum(weights) picks in a row hold each backend exactly `weight` times."""
    size = sum(backend.weight for backend in backends)
    shares = {backend: backend.weight for backend in backends}
    for start in range(len(chosen) - size + 1):
        assert Counter(chosen[start : start + size]) == shares


def longest_run(chosen: list[Backend]) -> int:
    return max(len(list(run)) for _, run in groupby(chosen))


@given(WEIGHTS)
def test_any_window_of_a_cycle_has_exact_shares(weights: list[int]) -> None:
    backends = backends_of(*weights)
    assert_exact_windows(picks(filled(RoundRobin(), backends), 3 * sum(weights)), backends)


@given(st.lists(st.integers(1, 10**12), min_size=2, max_size=5))
def test_huge_weights_neither_stop_it_nor_starve_anybody_of_equal_weight(weights: list[int]) -> None:
    backends = backends_of(*weights, weights[0])
    counts = Counter(picks(filled(RoundRobin(), backends), 200))
    assert abs(counts[backends[0]] - counts[backends[-1]]) <= 1


def test_five_one_one_never_picks_the_heavy_one_more_than_three_times_in_a_row() -> None:
    backends = backends_of(5, 1, 1)
    chosen = picks(filled(RoundRobin(), backends), 700)
    assert names(chosen) == "abaaaca" * 100
    assert_exact_windows(chosen, backends)
    assert longest_run(chosen) == 3


@given(heavy=st.integers(1, 40), light=st.integers(1, 10))
def test_one_heavy_backend_has_the_shortest_possible_runs(heavy: int, light: int) -> None:
    """`light` others cut its picks into at most `light` runs per cycle, so no order beats ceil(heavy / light)."""
    backends = backends_of(heavy, *[1] * light)
    chosen = picks(filled(RoundRobin(), backends), 3 * (heavy + light))
    runs = [len(list(run)) for backend, run in groupby(chosen) if backend is backends[0]]
    if heavy > 1:
        assert max(runs) <= ceil(heavy / light)


@given(WEIGHTS)
def test_no_prefix_is_far_from_its_share(weights: list[int]) -> None:
    backends = backends_of(*weights)
    policy = filled(RoundRobin(), backends)
    rates = {weight: weight * weights.count(weight) for weight in weights}
    counts = Counter[int]()
    for total, backend in enumerate(picks(policy, sum(weights)), 1):
        counts[backend.weight] += 1
        for weight, rate in rates.items():
            share = Fraction(rate, sum(weights))
            assert abs(counts[weight] - share * total) <= (1 + len(rates) * share) / 2


@given(st.integers(1, 30), st.integers(1, 9))
def test_equal_weights_go_in_the_order_added(size: int, weight: int) -> None:
    backends = backends_of(*[weight] * size)
    assert picks(filled(RoundRobin(), backends), 3 * size) == backends * 3


@given(WEIGHTS, st.integers(0, 300))
def test_a_backend_that_comes_back_gets_no_burst(weights: list[int], absence: int) -> None:
    backends = backends_of(*weights, 3)
    policy = filled(RoundRobin(), backends)
    policy.remove(backends[-1])
    assert backends[-1] not in picks(policy, absence)
    policy.add(backends[-1])
    size = sum(weights) + 3
    chosen = picks(policy, 3 * size)
    assert chosen[:size].count(backends[-1]) <= 3 + 1
    assert_exact_windows(chosen[size:], backends)


@given(st.integers(2, 9))
def test_a_full_backend_that_is_ready_again_before_its_turn_loses_nothing(size: int) -> None:
    backends = backends_of(*[1] * size)
    policy = filled(RoundRobin(), backends)
    away: list[Backend] = []
    for expected in islice(cycle(backends), 5 * size):
        (chosen,) = picks(policy, 1)
        assert chosen is expected
        policy.remove(chosen)
        if away:
            policy.add(away.pop())
        away.append(chosen)


def test_a_backend_that_is_full_for_a_moment_after_each_pick_wins_nothing() -> None:
    policy = filled(RoundRobin(), backends_of(5, 1, 1))
    order = []
    for _ in range(70):
        (chosen,) = picks(policy, 1)
        policy.remove(chosen)
        policy.add(chosen)
        order.append(chosen)
    assert names(order) == "abaaaca" * 10


@given(WEIGHTS, st.lists(st.tuples(st.integers(0, 7), st.sampled_from(["flip", "weigh", "pick"])), max_size=60))
def test_after_any_history_shares_are_exact_again(weights: list[int], history: list[tuple[int, str]]) -> None:
    backends = backends_of(*weights)
    policy = filled(RoundRobin(), backends)
    ready = set(backends)
    for number, act in history:
        backend = backends[number % len(backends)]
        if act == "weigh":
            backend.weight = number + 1
            policy.moved(backend)
        elif act == "flip" and backend in ready:
            policy.remove(backend)
            ready.remove(backend)
        elif act == "flip":
            policy.add(backend)
            ready.add(backend)
        elif ready:
            assert policy.pick(None, Random(number)) in ready
    for backend in set(backends) - ready:
        policy.add(backend)
    size = sum(backend.weight for backend in backends)
    assert_exact_windows(picks(policy, 3 * size)[size:], backends)


def test_a_weight_that_changes_while_its_backend_is_away_counts_when_it_returns() -> None:
    backends = backends_of(1, 1, 1)
    policy = filled(RoundRobin(), backends)
    policy.remove(backends[1])
    backends[1].weight = 4
    policy.moved(backends[1])
    assert backends[1] not in picks(policy, 5)
    policy.add(backends[1])
    assert_exact_windows(picks(policy, 30), backends)


def test_taken_slots_do_not_matter() -> None:
    backends = backends_of(1, 2)
    policy = filled(RoundRobin(), backends)
    backends[1].taken = 50
    policy.moved(backends[1])
    assert_exact_windows(picks(policy, 30), backends)


def test_removed_backends_are_forgotten_within_a_cycle() -> None:
    policy = RoundRobin()
    stays = Backend("stays")
    policy.add(stays)
    for generation in range(20):
        gone = backends_of(1, 1, 2, 3, 5 + generation)
        filled(policy, gone)
        for backend in gone:
            policy.remove(backend)
        picks(policy, 20)
    assert list(policy._places) == [stays]
    assert len(policy._groups) == len(policy._schedule) == 1


@pytest.mark.parametrize("size", [10, 1000])
def test_a_pick_compares_log_n_deadlines(size: int) -> None:
    backends = [Backend(str(i), Counted(i + 1)) for i in range(size)]  # type: ignore[arg-type]
    policy = filled(RoundRobin(), backends)
    Counted.comparisons = 0
    picks(policy, 2000)
    assert Counted.comparisons / 2000 <= 3 * log2(size) + 3  # a tuple is compared with == first, then with <


def test_a_pick_among_equal_weights_compares_nothing() -> None:
    policy = filled(RoundRobin(), [Backend(str(i), Counted(3)) for i in range(1000)])  # type: ignore[arg-type]
    Counted.comparisons = 0
    picks(policy, 2000)
    assert Counted.comparisons == 0

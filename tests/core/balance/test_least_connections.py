from __future__ import annotations

from collections import Counter, deque
from fractions import Fraction
from math import log2
from random import Random

import pytest
from balance_support import Backend, Counted, backends_of, filled, picks
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proxy.core.balance.least_connections import SPARE, LeastConnections

NUMBER = st.integers(0, 7)


class AgainstTheObvious(RuleBasedStateMachine):
    """Every pick is compared with a search of all ready backends. With equal weights the choice is fully determined."""

    @initialize(weights=st.one_of(st.lists(st.integers(1, 5), min_size=8, max_size=8), st.just([2] * 8)))
    def start(self, weights: list[int]) -> None:
        self.policy = LeastConnections()
        self.all = backends_of(*weights)
        self.touched: dict[Backend, int] = {}  # ready backends, and when each was last picked or added
        self.time = 0

    def touch(self, backend: Backend) -> None:
        self.time += 1
        self.touched[backend] = self.time

    @rule(number=NUMBER)
    def add_or_remove(self, number: int) -> None:
        backend = self.all[number]
        if backend in self.touched:
            self.policy.remove(backend)
            del self.touched[backend]
        else:
            self.policy.add(backend)
            self.touch(backend)

    @rule(number=NUMBER, up=st.booleans())
    def take_or_give_back(self, number: int, up: bool) -> None:
        backend = self.all[number]
        backend.taken = max(0, backend.taken + (1 if up else -1))
        self.policy.moved(backend)

    @rule(number=NUMBER, weight=st.integers(1, 5))
    def weigh(self, number: int, weight: int) -> None:
        self.all[number].weight = weight
        self.policy.moved(self.all[number])

    @precondition(lambda self: self.touched)
    @rule(take=st.booleans())
    def pick(self, take: bool) -> None:
        chosen = self.policy.pick(None, Random(0))
        assert isinstance(chosen, Backend)
        least = min(Fraction(backend.taken, backend.weight) for backend in self.touched)
        assert Fraction(chosen.taken, chosen.weight) == least
        if all(backend.weight == 2 for backend in self.all):
            ties = [backend for backend in self.touched if backend.taken == chosen.taken]
            assert chosen is min(ties, key=self.touched.__getitem__)
        self.touch(chosen)
        if take:
            chosen.taken += 1
            self.policy.moved(chosen)

    @invariant()
    def stale_entries_are_bounded(self) -> None:
        assert len(self.policy._heap) <= 2 * len(self.touched) + SPARE


TestAgainstTheObvious = pytest.mark.slow(AgainstTheObvious.TestCase)
TestAgainstTheObvious.settings = settings(max_examples=60, stateful_step_count=60)


def exchange(policy: LeastConnections, busy: deque[Backend], concurrency: int) -> Backend:
    """One more request, and the oldest one ends if there are more than `concurrency`."""
    (chosen,) = picks(policy, 1)
    chosen.taken += 1
    policy.moved(chosen)
    busy.append(chosen)
    if len(busy) > concurrency:
        done = busy.popleft()
        done.taken -= 1
        policy.moved(done)
    return chosen


def test_idle_backends_take_turns() -> None:
    backends = backends_of(1, 1, 1)
    assert picks(filled(LeastConnections(), backends), 9) == backends * 3


def test_one_request_at_a_time_is_shared_by_weight() -> None:
    backends = backends_of(3, 1)
    policy = filled(LeastConnections(), backends)
    counts = Counter(exchange(policy, deque(), 0) for _ in range(400))
    assert abs(counts[backends[0]] - 300) <= 1


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_held_slots_are_shared_by_weight(weights: list[int]) -> None:
    backends = backends_of(*weights)
    policy = filled(LeastConnections(), backends)
    busy: deque[Backend] = deque()
    for _ in range(3 * sum(weights)):
        exchange(policy, busy, 10**6)
    assert [backend.taken for backend in backends] == [3 * weight for weight in weights]


def test_being_full_for_a_moment_wins_no_turn() -> None:
    backends = backends_of(1, 1, 1)
    policy = filled(LeastConnections(), backends)
    order = []
    for _ in range(9):
        (chosen,) = picks(policy, 1)
        policy.remove(chosen)
        policy.add(chosen)
        order.append(chosen)
    assert order == backends * 3


def test_removing_everybody_lets_go_of_them() -> None:
    backends = [Backend(str(i)) for i in range(500)]
    policy = filled(LeastConnections(), backends)
    for backend in backends:
        policy.remove(backend)
    assert len(policy._heap) <= SPARE


@pytest.mark.parametrize("size", [10, 1000])
@pytest.mark.parametrize("spread", [1, 7])
def test_an_exchange_compares_log_n_loads(size: int, spread: int) -> None:
    backends = [Backend(str(i), 1 + i % spread, Counted(0)) for i in range(size)]  # type: ignore[arg-type]
    policy = filled(LeastConnections(), backends)
    busy: deque[Backend] = deque()
    for _ in range(3 * size):
        exchange(policy, busy, 3 * size)
    Counted.comparisons = 0
    for _ in range(2000):
        exchange(policy, busy, 3 * size)
    assert Counted.comparisons / 2000 <= 12 * log2(size)  # each tuple with == and <; 4 heap operations

from __future__ import annotations

from collections import Counter
from random import Random

from balance_support import Backend, backends_of, chi_square, picks
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.balance.random_weighted import RandomWeighted
from proxy.core.balance.two_choices import TwoChoices

LOADS = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 30)), min_size=1, max_size=9)


@given(LOADS, st.integers(0, 2**32))
def test_it_never_picks_the_busier_of_its_two_draws(loads: list[tuple[int, int]], seed: int) -> None:
    policy = TwoChoices()
    for number, (weight, taken) in enumerate(loads):
        policy.add(Backend(str(number), weight, taken))
    first, second = policy.draw_two(Random(seed))
    chosen = policy.pick(None, Random(seed))
    other = second if chosen is first else first
    assert chosen in (first, second)
    assert chosen.taken * other.weight <= other.taken * chosen.weight


def test_idle_backends_share_by_weight() -> None:
    backends = backends_of(1, 2, 3, 10)
    policy = TwoChoices()
    for backend in backends:
        policy.add(backend)
    counts = Counter(picks(policy, 40_000, seed=4))
    assert chi_square([counts[backend] for backend in backends], [1, 2, 3, 10]) < 16.3  # 3 degrees, p = 0.001


def test_the_busiest_of_a_thousand_is_far_less_busy_than_with_random() -> None:
    def busiest(policy: TwoChoices | RandomWeighted) -> int:
        backends = [Backend(str(i)) for i in range(1000)]
        rng = Random(5)
        for backend in backends:
            policy.add(backend)
        for _ in backends:
            policy.pick(None, rng).taken += 1
        return max(backend.taken for backend in backends)

    assert busiest(TwoChoices()) == 3  # ln ln 1000 / ln 2 = 2.8
    assert busiest(RandomWeighted()) >= 5

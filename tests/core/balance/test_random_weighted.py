from __future__ import annotations

from collections import Counter

from balance_support import backends_of, chi_square, filled, picks

from proxy.core.balance.random_weighted import RandomWeighted

BOUND = 16.3  # chi-square with 3 degrees of freedom, p = 0.001


def test_shares_are_proportional_to_weight() -> None:
    backends = backends_of(1, 2, 3, 10)
    counts = Counter(picks(filled(RandomWeighted(), backends), 40_000, seed=1))
    assert chi_square([counts[backend] for backend in backends], [1, 2, 3, 10]) < BOUND


def test_shares_follow_a_weight_that_changes_and_backends_that_come_and_go() -> None:
    backends = backends_of(9, 1, 2, 3, 10)
    policy = filled(RandomWeighted(), backends)
    policy.remove(backends[0])
    backends[1].weight = 7
    policy.moved(backends[1])
    backends[2].taken = 99  # random does not look at it
    policy.moved(backends[2])
    counts = Counter(picks(policy, 40_000, seed=2))
    assert chi_square([counts[backend] for backend in backends[1:]], [7, 2, 3, 10]) < BOUND


def test_the_same_seed_gives_the_same_picks() -> None:
    backends = backends_of(1, 2, 3)
    assert picks(filled(RandomWeighted(), backends), 50, 3) == picks(filled(RandomWeighted(), backends), 50, 3)

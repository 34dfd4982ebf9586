from __future__ import annotations

from collections import Counter
from random import Random

from balance_support import backends_of, chi_square, filled

from proxy.core.balance.two_choices import TwoChoices
from proxy.core.balance.weighted_draw import WeightedDraw


def test_the_second_draw_is_weighted_among_the_others() -> None:
    backends = backends_of(5, 3, 1, 1)
    policy = filled(TwoChoices(), backends)
    rng = Random(7)
    pairs = Counter(policy.draw_two(rng) for _ in range(50_000))
    assert all(first is not second for first, second in pairs)
    for first in backends:
        others = [backend for backend in backends if backend is not first]
        counts = [pairs[first, second] for second in others]
        assert chi_square(counts, [backend.weight for backend in others]) < 13.8  # 2 degrees of freedom, p = 0.001


def test_only_one_backend_is_drawn_twice() -> None:
    (only,) = backends_of(4)
    policy = WeightedDraw()
    policy.add(only)
    assert policy.draw_two(Random(0)) == (only, only)


def test_the_last_backend_fills_the_gap_of_a_removed_one() -> None:
    a, b, c = backends_of(1, 2, 10**9)
    policy = WeightedDraw()
    for backend in (a, b, c):
        policy.add(backend)
    policy.remove(a)
    assert Counter(policy.draw(Random(seed)) for seed in range(50)) == {c: 50}
    policy.remove(c)
    assert policy.draw(Random(0)) is b

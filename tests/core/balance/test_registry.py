"""The registry, and what holds for every policy in it."""

from __future__ import annotations

from random import Random

import pytest
from balance_support import Backend, backends_of, filled, picks
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.balance.registry import POLICIES, make_policy

every_policy = pytest.mark.parametrize("name", POLICIES)
ACTS = st.lists(st.tuples(st.sampled_from(["flip", "take", "give back", "weigh", "pick"]), st.integers(0, 5)))


@every_policy
@given(acts=ACTS)
def test_only_ready_backends_are_picked(name: str, acts: list[tuple[str, int]]) -> None:
    policy = make_policy(name)
    backends = backends_of(1, 1, 1, 2, 3, 5)
    ready: set[Backend] = set()
    rng = Random(0)
    for act, number in acts:
        backend = backends[number]
        if act == "pick":
            if ready:
                assert policy.pick(b"key", rng) in ready
        elif act == "flip" and backend in ready:
            policy.remove(backend)
            ready.remove(backend)
        elif act == "flip":
            policy.add(backend)
            ready.add(backend)
        elif act == "weigh":
            backend.weight = backend.weight % 5 + 1
            policy.moved(backend)
        else:
            backend.taken = max(0, backend.taken + (1 if act == "take" else -1))
            policy.moved(backend)


@every_policy
def test_every_ready_backend_is_picked_in_the_end(name: str) -> None:
    backends = backends_of(1, 2, 3, 4)
    assert set(picks(filled(make_policy(name), backends), 300)) == set(backends)


@every_policy
def test_everybody_may_go_and_come_back(name: str) -> None:
    backends = backends_of(1, 2, 2)
    policy = filled(make_policy(name), backends)
    for _ in range(3):
        picks(policy, 4)
        for backend in backends:
            policy.remove(backend)
        filled(policy, backends)
    assert set(picks(policy, 100)) == set(backends)


@every_policy
def test_each_pool_gets_a_policy_of_its_own(name: str) -> None:
    assert make_policy(name) is not make_policy(name)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no balancing policy 'fastest': one of round-robin, least-connections, "):
        make_policy("fastest")

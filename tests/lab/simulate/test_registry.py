"""Every scheme, and the well-known facts that come out of comparing them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.core.balance.registry import POLICIES
from proxy.lab.simulate.registry import WAYS
from proxy.lab.simulate.result import SimulationResult, simulate
from proxy.lab.simulate.service import Constant, Exponential, OneSlow
from proxy.lab.simulate.spec import SimulationSpec

SPEC = SimulationSpec(Exponential(0.01), workers=4, load=0.7, requests=20_000)


def ran(spec: SimulationSpec, *names: str) -> list[SimulationResult]:
    return [simulate(spec, WAYS[name]) for name in names]


def test_every_policy_of_the_proxy_is_there() -> None:
    assert {f"proxy-{name}" for name in POLICIES} <= set(WAYS)


def test_a_mixed_load_makes_a_hash_wait_longer_than_a_queue() -> None:
    spec = replace(SPEC, service=OneSlow(0.002, 0.2, 0.01))
    hashed, shared, least = ran(spec, "reuseport", "shared-epoll", "proxy-least-connections")
    assert hashed.latency.p90 > 3 * least.latency.p90
    assert hashed.latency.p90 > 3 * shared.latency.p90


def test_long_connections_pile_up_where_the_first_idle_worker_takes_them() -> None:
    spec = replace(SPEC, connections=200, load=0.1, requests=3000, warm_up=0.0)
    exclusive, hashed = ran(spec, "epoll-exclusive", "reuseport")
    assert exclusive.connections
    assert hashed.connections
    assert exclusive.connections.jain < 0.6 < 0.9 < hashed.connections.jain


def test_short_connections_even_out() -> None:
    (exclusive,) = ran(replace(SPEC, load=0.95), "epoll-exclusive")
    assert exclusive.busy.jain > 0.98


def test_patterns_keep_workers_idle_beside_work() -> None:
    free, bound = (ran(replace(SPEC, patterns=patterns), "tuplespace")[0] for patterns in (1, 4))
    assert bound.wait.mean > 3 * free.wait.mean


def test_proxies_that_do_not_know_of_each_other_balance_worse() -> None:
    spec = replace(SPEC, workers=40, load=0.9)
    one, eight = (ran(replace(spec, proxies=proxies), "proxy-least-connections")[0] for proxies in (1, 8))
    assert eight.wait.mean > 1.5 * one.wait.mean


def test_a_limit_moves_the_wait_into_the_pool_where_it_is_shared() -> None:
    spec = replace(SPEC, service=OneSlow(0.002, 0.2, 0.01))
    unlimited, limited = (ran(replace(spec, limit=limit), "proxy-round-robin")[0] for limit in (0, 1))
    assert limited.latency.p90 < unlimited.latency.p90 / 2


def test_theory_is_silent_where_it_knows_nothing() -> None:
    way = WAYS["reuseport"]
    for change in ({"connections": 5}, {"load": 1.0}, {"arrivals": "constant"}):
        assert way.expected_wait(replace(SPEC, **change)) is None  # type: ignore[arg-type]
    assert way.expected_wait(replace(SPEC, slots=2)) == pytest.approx(WAYS["queue"].expected_wait(
        replace(SPEC, workers=1, slots=2)))  # fmt: skip
    fixed = replace(SPEC, service=Constant(0.01))
    assert way.expected_wait(replace(fixed, slots=2)) is None
    assert WAYS["queue"].expected_wait(fixed) is None
    assert WAYS["queue"].expected_wait(replace(SPEC, reserve=0.1)) is None
    assert WAYS["proxy-round-robin"].expected_wait(SPEC) is None
    assert WAYS["proxy-two-choices"].expected_wait(SPEC) is None
    assert WAYS["proxy-random"].expected_wait(replace(SPEC, limit=2)) is None
    assert WAYS["tuplespace"].expected_wait(replace(SPEC, patterns=3)) is None
    assert WAYS["tuplespace"].expected_wait(replace(SPEC, patterns=4)) == pytest.approx(way.expected_wait(SPEC))

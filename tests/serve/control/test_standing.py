"""What follows for a pool: who is ejected, who is tried all the same, whose weight ramps."""

from __future__ import annotations

import math
from typing import Any

from proxy.core import config
from proxy.core.address import parse_address
from proxy.engine.make_backends import make_backends
from proxy.serve.control import standing
from proxy.serve.control.controlled import Controlled


def pool_of(count: int, **settings: Any) -> list[Controlled]:
    backends = tuple(config.Backend(address=parse_address(f"127.0.0.1:{9001 + n}"), weight=n + 1) for n in range(count))
    pool = config.Pool(name="app", backends=backends, **settings)
    targets = make_backends(pool)
    return [Controlled(pool, backend, target, 0.0) for backend, target in zip(backends, targets, strict=True)]


def test_only_those_in_service_can_be_outliers() -> None:
    pool = pool_of(4)
    assert standing.find_outliers(pool) == []
    for backend in pool[:3]:
        backend.ejection.failed("500", 1.0)
    pool[0].health.set(False)
    pool[1].mode = "draining"
    assert standing.find_outliers(pool) == [pool[2]]
    pool[3].mode = "disabled"
    assert standing.find_outliers(pool) == []


def test_the_share_counts_who_is_ejected_already() -> None:
    pool = pool_of(4, ejection=config.Ejection(max_percent=25))
    pool[0].ejection.failed("500", 1.0)
    assert standing.find_outliers(pool) == [pool[0]]
    pool[0].ejection.eject(pool[0].pool.ejection, 1.0)
    pool[1].ejection.failed("500", 1.0)
    assert standing.find_outliers(pool) == []


def test_nobody_is_left_when_those_that_may_serve_are_down() -> None:
    pool = pool_of(3)
    assert not standing.is_nobody_left(pool)
    pool[0].health.set(False)
    pool[1].mode = "draining"
    assert not standing.is_nobody_left(pool)
    pool[2].ejection.eject(pool[2].pool.ejection, 0.0)
    assert standing.is_nobody_left(pool)
    assert list(standing.try_all(pool, True)) == [pool[0], pool[2]]
    assert list(standing.try_all(pool, True)) == []
    assert [backend.state().is_healthy for backend in pool] == [True, True, True]
    assert [backend.condition for backend in pool] == ["unhealthy", "draining", "ejected"]
    assert list(standing.try_all(pool, False)) == [pool[0], pool[2]]


def test_whom_the_operator_disabled_or_whose_process_starts_is_not_missing() -> None:
    pool = pool_of(2)
    pool[0].mode = "disabled"
    pool[1].is_started = False
    assert not standing.is_nobody_left(pool)


def weights(pool: list[Controlled]) -> list[int]:
    return [backend.state().weight for backend in pool]


def test_while_one_ramps_all_weights_are_told_in_steps() -> None:
    pool = pool_of(2, slow_start=20.0)
    standing.begin_ramp(pool[0], pool, 100.0)
    assert list(standing.move_ramps(pool, 100.0)) == pool
    assert (weights(pool), pool[0].effective_weight) == ([1, 40], 0.05)
    assert standing.next_due(pool, 100.0) == 102.0
    assert list(standing.move_ramps(pool, 110.5)) == [pool[0]]
    assert (weights(pool), pool[1].effective_weight) == ([10, 40], 2.0)
    assert list(standing.move_ramps(pool, 120.0)) == pool
    assert weights(pool) == [1, 2]
    assert standing.next_due(pool, 120.0) == math.inf
    assert list(standing.move_ramps(pool, 121.0)) == []


def test_who_goes_down_on_its_way_up_holds_up_nobody() -> None:
    pool = pool_of(2, slow_start=20.0)
    standing.begin_ramp(pool[0], pool, 100.0)
    list(standing.move_ramps(pool, 100.0))
    pool[0].health.set(False)
    list(standing.move_ramps(pool, 101.0))
    assert weights(pool) == [1, 2]
    assert standing.next_due(pool, 101.0) == math.inf


def test_nobody_ramps_alone_or_without_being_asked() -> None:
    pool = pool_of(2, slow_start=20.0)
    pool[1].health.set(False)
    standing.begin_ramp(pool[0], pool, 100.0)
    assert list(standing.move_ramps(pool, 100.0)) == []
    pool = pool_of(2)
    standing.begin_ramp(pool[0], pool, 100.0)
    assert list(standing.move_ramps(pool, 100.0)) == []


def test_the_end_of_an_ejection_is_due() -> None:
    pool = pool_of(2)
    assert standing.next_due(pool, 5.0) == math.inf
    pool[1].ejection.eject(pool[1].pool.ejection, 5.0)
    assert standing.next_due(pool, 5.0) == 15.0

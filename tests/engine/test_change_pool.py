from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from proxy.core.address import parse_address
from proxy.core.config import Backend, Pool, PoolTimeouts, PoolTls, RetryBudget
from proxy.core.pool import UNLIMITED
from proxy.engine.change_pool import change_pool
from proxy.engine.greeting import GreetedBackend
from proxy.engine.live_pool import LivePool
from proxy.engine.make_backends import make_backends
from proxy.engine.reactor import Reactor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.engine.backend import LiveBackend

FIRST, SECOND, THIRD = (f"127.0.0.1:{port}" for port in (9001, 9002, 9003))


def settings_of(*addresses: str, **more: Any) -> Pool:
    backends = tuple(Backend(address=parse_address(address)) for address in addresses)
    return Pool(name="app", backends=backends, **{"balance": "round-robin", **more})


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    reactor = Reactor()
    yield reactor
    reactor.close_all()


def make(reactor: Reactor, settings: Pool) -> LivePool:
    return LivePool(settings, make_backends(settings), Random(0), reactor, lambda *_: None)


def change(pool: LivePool, settings: Pool, now: float = 5.0) -> None:
    change_pool(pool, settings, make_backends(settings), now)


def names(pool: LivePool) -> list[str]:
    return [backend.name for backend in pool.backends]


def take(pool: LivePool) -> LiveBackend:
    backend = pool.take()
    assert backend is not None
    return backend


class Idle:
    """An idle connection."""

    idle_since = 0.0
    is_closed = False

    def close(self) -> None:
        self.is_closed = True


class Work:
    """It waits for a slot."""

    got: LiveBackend | None = None

    def slot_freed(self, backend: LiveBackend) -> None:
        self.got = backend

    def crashed(self, error: Exception) -> None:
        raise error


def test_backends_that_stay_are_the_same_objects_in_the_new_order(reactor: Reactor) -> None:
    pool = make(reactor, settings_of(FIRST, SECOND))
    first, second = pool.backends
    first.idle_life.told(7.0)
    taken = take(pool)
    change(pool, settings_of(THIRD, SECOND, FIRST))
    third, *others = pool.backends
    assert others == [second, first]
    assert third.name == THIRD
    assert taken.taken == 1
    assert {take(pool) for _ in range(3)} == set(pool.backends)


def test_removed_backend_takes_no_work_and_closes_what_is_idle(reactor: Reactor) -> None:
    pool = make(reactor, settings_of(FIRST, SECOND))
    first, second = pool.backends
    idle = Idle()
    second.idle.append(idle)  # type: ignore[arg-type] # all that is asked of it
    while take(pool) is not second:
        pass
    change(pool, settings_of(FIRST))
    assert names(pool) == [FIRST]
    assert idle.is_closed
    assert not second.keep(Idle(), 6.0)  # type: ignore[arg-type] # all that is asked of it
    assert {take(pool) for _ in range(3)} == {first}
    assert list(pool.leaving) == [second]
    assert pool.drains == {second: 5.0}
    pool.give_back(second)
    assert second.taken == 0


def test_backend_that_returns_before_its_work_is_done_is_the_same(reactor: Reactor) -> None:
    """So that its slots are counted once."""
    pool = make(reactor, settings_of(FIRST, SECOND, idle_connections=7))
    second = pool.backends[1]
    while take(pool) is not second:
        pass
    change(pool, settings_of(FIRST))
    change(pool, settings_of(FIRST, SECOND, idle_connections=7))
    assert pool.backends[1] is second
    assert (second.taken, second.idle_limit, second.is_draining) == (1, 7, False)
    assert not pool.leaving
    assert not pool.drains
    assert second in {take(pool) for _ in range(2)}


def test_backend_that_returns_to_a_full_one_gets_the_work_that_waits(reactor: Reactor) -> None:
    """A pool of one does not ask its policy: what is ready must be in it by then."""
    both = settings_of(FIRST, SECOND)
    both = replace(both, backends=(replace(both.backends[0], max_connections=1), both.backends[1]))
    pool = make(reactor, both)
    first, second = pool.backends
    assert {take(pool), take(pool)} == {first, second}
    change(pool, replace(both, backends=both.backends[:1]))
    work = Work()
    assert pool.wait(work)
    change(pool, both)
    reactor._run_batch()
    assert (work.got, first.taken, second.taken) == (second, 1, 2)


def test_settings_of_a_backend_change_in_place(reactor: Reactor) -> None:
    pool = make(reactor, settings_of(FIRST))
    (first,) = pool.backends
    assert (first.limit, first.spread) == (UNLIMITED, 0)
    settings = settings_of(FIRST)
    limited = replace(settings, backends=(replace(settings.backends[0], max_connections=1, members=2),))
    change(pool, limited)
    assert pool.backends == [first]
    assert (first.limit, first.spread) == (1, 16)
    take(pool)
    assert pool.take() is None
    change(pool, settings)
    assert take(pool) is first


@pytest.mark.parametrize("begins_otherwise", [{"tls": PoolTls(verify=False)}, {"proxy_protocol": "v2"}])
def test_all_backends_are_new_when_connections_begin_otherwise(
    reactor: Reactor, begins_otherwise: dict[str, Any]
) -> None:
    pool = make(reactor, settings_of(FIRST))
    (plain,) = pool.backends
    take(pool)
    change(pool, settings_of(FIRST, **begins_otherwise))
    (other,) = pool.backends
    assert other is not plain
    assert (other.tls is not None, isinstance(other, GreetedBackend)) == (
        "tls" in begins_otherwise,
        "proxy_protocol" in begins_otherwise,
    )
    assert take(pool) is other
    change(pool, settings_of(SECOND, **begins_otherwise))
    assert set(pool.leaving) == {plain, other}
    change(pool, settings_of(FIRST, **begins_otherwise))
    assert pool.backends == [other]  # and not the plain one, which has the same name
    assert plain in pool.leaving


def test_settings_of_the_pool_itself(reactor: Reactor) -> None:
    pool = make(reactor, settings_of(FIRST, SECOND))
    heads = pool.heads
    change(pool, settings_of(FIRST, SECOND, queue=3, timeouts=PoolTimeouts(connect=9.0)))
    assert (pool.queue_limit, pool.timeouts.connect) == (3, 9.0)
    assert pool.heads is heads
    budget = RetryBudget(percent=0, at_least=0)
    change(pool, settings_of(FIRST, SECOND, retries=0, retry_on=("503",), retry_budget=budget))
    assert (pool.queue_limit, pool.retries, pool.retry.statuses) == (1024, 0, {503})
    assert not pool.has_retry_budget()
    assert pool.heads is not heads  # which know whether a 503 is an answer


def test_another_policy(reactor: Reactor) -> None:
    pool = make(reactor, settings_of(FIRST, SECOND))
    held = take(pool)
    change(pool, settings_of(FIRST, SECOND, balance="least-connections"))
    assert take(pool) is not held

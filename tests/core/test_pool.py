from __future__ import annotations

from collections import deque
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proxy.core.address import TcpAddress
from proxy.core.balance.registry import POLICIES
from proxy.core.pool import UNLIMITED, Backend, Pool

if TYPE_CHECKING:
    from collections.abc import Callable


class Later:
    """The reactor's `call_soon`, by hand."""

    def __init__(self) -> None:
        self.calls: deque[tuple[Callable[[Backend], None], Backend]] = deque()

    def __call__(self, function: Callable[[Backend], None], backend: Backend) -> None:
        self.calls.append((function, backend))

    def run(self) -> None:
        while self.calls:
            function, backend = self.calls.popleft()
            function(backend)


class Work:
    """Waits for a slot, and remembers which it got."""

    def __init__(self) -> None:
        self.got: list[Backend] = []

    def slot_freed(self, backend: Backend) -> None:
        self.got.append(backend)


def backends_of(*limits: int) -> list[Backend]:
    return [Backend(TcpAddress("127.0.0.1", 9000 + number), limit=limit) for number, limit in enumerate(limits)]


def pool_of(*limits: int, queue: int = 10, balance: str = "round-robin") -> tuple[Pool[Backend], Later]:
    later = Later()
    return Pool("app", balance, backends_of(*limits), Random(0), queue=queue, run_later=later), later


def take(pool: Pool[Backend]) -> Backend:
    backend = pool.take()
    assert backend is not None
    return backend


# ---------------------------------------------------------------------- take, give back


def test_slot_is_counted_until_it_is_given_back() -> None:
    pool, _ = pool_of(UNLIMITED)
    backend = take(pool)
    assert (backend.taken, backend.picked) == (1, 1)
    pool.give_back(backend)
    assert (backend.taken, backend.picked) == (0, 1)


def test_full_backend_takes_no_more_until_a_slot_comes_back() -> None:
    pool, _ = pool_of(2)
    backend = take(pool)
    take(pool)
    assert not backend.is_ready
    assert pool.take() is None
    assert pool.is_full
    pool.give_back(backend)
    assert backend.is_ready
    assert take(pool) is backend


def test_backends_that_were_tried_are_left_out_once() -> None:
    pool, _ = pool_of(UNLIMITED, UNLIMITED, 1)
    a, b, c = pool.backends
    assert pool.take_another([a, b]) is c
    assert pool.take_another([a, b]) is None  # c is full now
    assert pool.take_another([a, c]) is b
    assert pool.take_another([a, b, c]) is None
    assert {take(pool), take(pool)} == {a, b}


@pytest.mark.parametrize("balance", POLICIES)
def test_pool_with_one_backend_needs_no_policy(balance: str) -> None:
    pool, _ = pool_of(1, balance=balance)
    (only,) = pool.backends
    assert take(pool) is only
    assert pool.take() is None
    pool.give_back(only)
    assert pool.take_another([only]) is None


def test_backend_tells_what_state_it_is_in() -> None:
    pool, _ = pool_of(1, 1)
    first, second = pool.backends
    assert repr(first) == "<Backend 127.0.0.1:9000 ready, 0 taken>"
    while take(pool) is not first:
        pass
    assert "full, 1 taken" in repr(first)
    pool.set_healthy(second, False)
    if second.taken:
        pool.give_back(second)
    assert "not ready, 0 taken" in repr(second)


# ---------------------------------------------------------------------- healthy and not


def test_unhealthy_backend_gets_no_work_and_keeps_what_it_has() -> None:
    pool, _ = pool_of(UNLIMITED, UNLIMITED)
    first, second = pool.backends
    while take(pool) is not first:
        pass
    assert pool.set_healthy(first, False)
    assert not pool.set_healthy(first, False)
    assert {take(pool) for _ in range(5)} == {second}
    pool.give_back(first)
    assert first.taken == 0
    assert {take(pool) for _ in range(5)} == {second}
    assert pool.set_healthy(first, True)
    assert first in {take(pool) for _ in range(5)}


def test_nothing_to_wait_for_when_all_are_unhealthy() -> None:
    pool, _ = pool_of(1, 1)
    for backend in pool.backends:
        pool.set_healthy(backend, False)
    assert pool.take() is None
    assert not pool.is_full


def test_full_backend_that_turns_unhealthy_takes_nobody_from_the_queue() -> None:
    pool, later = pool_of(1)
    backend, work = take(pool), Work()
    pool.wait(work)
    pool.set_healthy(backend, False)
    pool.give_back(backend)
    later.run()
    assert not work.got
    assert pool.waiting == 1
    pool.set_healthy(backend, True)
    later.run()
    assert work.got == [backend]


# ---------------------------------------------------------------------- changes while it runs


@pytest.mark.parametrize("balance", POLICIES)
def test_backend_that_is_added_shares_the_work_and_one_that_is_removed_ends_its_own(balance: str) -> None:
    pool, _ = pool_of(UNLIMITED, balance=balance)
    (first,) = pool.backends
    held = [take(pool) for _ in range(10)]  # of which a policy was told nothing: there was no choice
    second = Backend(TcpAddress("127.0.0.1", 9100))
    pool.add(second)
    assert second in {take(pool) for _ in range(20)}
    pool.remove(first)
    assert {take(pool) for _ in range(20)} == {second}
    taken = first.taken
    for backend in held:
        pool.give_back(backend)
    assert first.taken == taken - 10
    assert {take(pool) for _ in range(20)} == {second}


def test_least_connections_knows_what_the_first_backend_took_while_it_was_alone() -> None:
    pool, _ = pool_of(UNLIMITED, balance="least-connections")
    held = [take(pool) for _ in range(4)]
    pool.give_back(held.pop())
    pool.add(Backend(TcpAddress("127.0.0.1", 9100)))
    second = pool.backends[1]
    assert [take(pool) for _ in range(3)] == [second] * 3


def test_draining_backend_takes_no_work_until_it_is_enabled() -> None:
    pool, _ = pool_of(UNLIMITED, UNLIMITED)
    first, second = pool.backends
    assert pool.set_draining(first, True)
    assert not pool.set_draining(first, True)
    assert {take(pool) for _ in range(5)} == {second}
    assert not pool.is_full_but_for([second])
    assert pool.set_draining(first, False)
    assert first in {take(pool) for _ in range(5)}


def test_work_waits_for_a_backend_that_drains_and_is_back_soon() -> None:
    pool, later = pool_of(UNLIMITED)
    (only,) = pool.backends
    pool.set_draining(only, True)
    assert not pool.is_full
    only.is_returning = True
    assert pool.is_full
    assert pool.is_full_but_for([])
    work = Work()
    pool.wait(work)
    assert pool.take() is None
    only.is_returning = False
    pool.set_draining(only, False)
    later.run()
    assert work.got == [only]


def test_waiting_work_goes_to_whoever_comes_or_gets_room() -> None:
    pool, later = pool_of(1)
    first, works = take(pool), [Work(), Work()]
    for work in works:
        assert pool.wait(work)
    pool.set_limit(first, 2)
    later.run()
    assert (works[0].got, works[1].got) == ([first], [])
    second = Backend(TcpAddress("127.0.0.1", 9100))
    pool.add(second)
    later.run()
    assert works[1].got == [second]


def test_lowered_limit_lets_what_runs_end() -> None:
    pool, _ = pool_of(3)
    only = pool.backends[0]
    for _ in range(3):
        take(pool)
    pool.set_limit(only, 1)
    pool.give_back(only)
    pool.give_back(only)
    assert pool.take() is None
    pool.give_back(only)
    assert take(pool) is only


@pytest.mark.parametrize("balance", sorted(POLICIES.keys() - {"least-connections", "two-choices"}))
def test_weight_counts_from_the_next_pick_on(balance: str) -> None:
    pool, _ = pool_of(UNLIMITED, UNLIMITED, balance=balance)
    first, second = pool.backends
    pool.set_weight(second, 4)
    for _ in range(500):
        pool.give_back(take(pool))
    assert second.picked == pytest.approx(400, abs=40)
    assert first.picked + second.picked == 500


def test_another_policy_begins_with_those_that_are_ready() -> None:
    pool, _ = pool_of(UNLIMITED, UNLIMITED, 1)
    first, second, third = pool.backends
    pool.set_healthy(first, False)
    pool.set_balance("round-robin")
    assert {take(pool) for _ in range(2)} == {second, third}
    pool.set_healthy(first, True)
    assert {take(pool) for _ in range(4)} == {first, second}
    with pytest.raises(ValueError, match="no balancing policy 'magic'"):
        pool.set_balance("magic")


# ---------------------------------------------------------------------- the queue


def test_the_longest_waiting_is_served_first_and_nobody_overtakes() -> None:
    pool, later = pool_of(1)
    backend, first, second = take(pool), Work(), Work()
    assert pool.wait(first)
    assert pool.wait(second)
    pool.give_back(backend)
    assert pool.take() is None  # a newcomer, before `first` knows that it was served
    assert not first.got  # told later, never from within give_back
    later.run()
    assert (first.got, second.got) == ([backend], [])
    assert (backend.taken, pool.waiting) == (1, 1)


def test_queue_is_bounded() -> None:
    pool, _ = pool_of(1, queue=2)
    take(pool)
    assert [pool.wait(Work()) for _ in range(3)] == [True, True, False]
    assert pool.waiting == 2


def test_who_stops_waiting_is_not_served() -> None:
    pool, later = pool_of(1)
    backend, first, second = take(pool), Work(), Work()
    pool.wait(first)
    pool.wait(second)
    pool.stop_waiting(first)
    pool.stop_waiting(first)  # bears it twice
    pool.give_back(backend)
    later.run()
    assert (first.got, second.got) == ([], [backend])


class AnyInterleaving(RuleBasedStateMachine):
    """Takes, gives back, waits, gives up, falls ill and recovers, while backends come, go, drain and change, in any
    order; the books must balance throughout."""

    @initialize(limits=st.lists(st.sampled_from([1, 2, UNLIMITED]), min_size=1, max_size=4),
                balance=st.sampled_from(sorted(POLICIES)))  # fmt: skip
    def begin(self, limits: list[int], balance: str) -> None:
        self.pool, self.later = pool_of(*limits, queue=3, balance=balance)
        self.held: list[Backend] = []
        self.waiting: list[Work] = []  # in the order they came; some may have been served already
        self.removed: list[Backend] = []

    @rule(tried=st.sets(st.integers(0, 3)))
    def take(self, tried: set[int]) -> None:
        excluded = [backend for number, backend in enumerate(self.pool.backends) if number in tried]
        was_ready = {backend for backend in self.pool.backends if backend.is_ready}
        backend = self.pool.take_another(excluded) if excluded else self.pool.take()
        if backend is None:
            assert was_ready <= set(excluded)
        else:
            assert backend in was_ready - set(excluded)
            self.held.append(backend)

    @precondition(lambda self: self.held)
    @rule(number=st.integers(0, 99))
    def give_back(self, number: int) -> None:
        self.pool.give_back(self.held.pop(number % len(self.held)))

    @rule()
    def wait(self) -> None:
        if any(backend.is_ready for backend in self.pool.backends):
            return  # the engine waits only when nothing is ready
        work, has_room = Work(), self.pool.waiting < 3
        assert self.pool.wait(work) is has_room
        if has_room:
            self.waiting.append(work)

    def queued(self) -> list[Work]:
        scheduled = {function.__self__ for function, _ in self.later.calls}  # type: ignore[attr-defined]
        return [work for work in self.waiting if work not in scheduled and not work.got]

    @precondition(lambda self: self.waiting)
    @rule(number=st.integers(0, 99))
    def stop_waiting(self, number: int) -> None:
        queued = self.queued()
        if queued:
            work = queued[number % len(queued)]
            self.pool.stop_waiting(work)
            self.waiting.remove(work)

    @rule(number=st.integers(0, 3), is_healthy=st.booleans())
    def flip(self, number: int, is_healthy: bool) -> None:
        if number < len(self.pool.backends):
            self.pool.set_healthy(self.pool.backends[number], is_healthy)

    @rule(number=st.integers(0, 3), is_draining=st.booleans())
    def drain(self, number: int, is_draining: bool) -> None:
        if number < len(self.pool.backends):
            self.pool.set_draining(self.pool.backends[number], is_draining)

    @rule(number=st.integers(0, 3), limit=st.sampled_from([1, 2, UNLIMITED]), weight=st.integers(1, 5))
    def change(self, number: int, limit: int, weight: int) -> None:
        if number < len(self.pool.backends):
            self.pool.set_limit(self.pool.backends[number], limit)
            self.pool.set_weight(self.pool.backends[number], weight)

    @rule(limit=st.sampled_from([1, 2, UNLIMITED]), weight=st.integers(1, 5))
    def add(self, limit: int, weight: int) -> None:
        if len(self.pool.backends) < 4:
            port = 9100 + len(self.removed)
            self.pool.add(Backend(TcpAddress("127.0.0.1", port), limit=limit, weight=weight))

    @rule(number=st.integers(0, 3))
    def remove(self, number: int) -> None:
        if number < len(self.pool.backends):
            self.removed.append(self.pool.backends[number])
            self.pool.remove(self.removed[-1])

    @rule(balance=st.sampled_from(sorted(POLICIES)))
    def set_balance(self, balance: str) -> None:
        self.pool.set_balance(balance)

    @rule()
    def run_later(self) -> None:
        order = [function.__self__ for function, _ in self.later.calls]  # type: ignore[attr-defined]
        assert order == [work for work in self.waiting if work in order]  # first come, first served
        self.later.run()
        for work in order:
            self.waiting.remove(work)
            self.held += work.got

    @invariant()
    def books_balance(self) -> None:
        scheduled = [backend for _, backend in self.later.calls]
        for backend in (*self.pool.backends, *self.removed):
            assert backend.taken == self.held.count(backend) + scheduled.count(backend)
            may_take = backend.is_healthy and not backend.is_draining
            assert backend.is_ready is (may_take and backend.taken < backend.limit)
        assert not any(backend.is_ready for backend in self.removed)
        assert self.pool.waiting == len(self.queued()) <= 3
        assert not (self.pool.waiting and any(backend.is_ready for backend in self.pool.backends))


TestAnyInterleaving = pytest.mark.slow(AnyInterleaving.TestCase)


@given(st.lists(st.booleans(), max_size=60))
def test_single_slot_is_never_held_twice(steps: list[bool]) -> None:
    pool, _ = pool_of(1)
    held: list[Backend] = []
    for wants in steps:
        if wants:
            backend = pool.take()
            assert (backend is None) is bool(held)
            held += [backend] if backend else []
        elif held:
            pool.give_back(held.pop())


def test_what_is_full_but_for_those_that_were_tried() -> None:
    pool, _ = pool_of(1, 1, 1)
    first, second, third = pool.backends
    assert not pool.is_full_but_for([])
    for _ in range(3):
        take(pool)
    assert pool.is_full_but_for([first, second])
    assert not pool.is_full_but_for([first, second, third])
    pool.set_healthy(third, False)
    assert not pool.is_full_but_for([first, second])
    assert pool.is_full_but_for([first])


def test_one_that_was_tried_is_given_back_for_one_that_was_not() -> None:
    pool, _ = pool_of(1, 1)
    first, second = pool.backends
    taken = take(pool)
    assert taken is first
    assert pool.prefer_untried(first, ()) is first
    assert pool.prefer_untried(first, [second]) is first
    assert pool.prefer_untried(first, [first]) is second
    assert (first.taken, second.taken) == (0, 1)
    assert take(pool) is first
    assert pool.prefer_untried(second, [second]) is second  # no other is ready

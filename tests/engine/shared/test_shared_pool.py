"""Several workers' pools over the same backends: what each sees, who waits, and that no limit is ever exceeded."""

from __future__ import annotations

from collections import Counter
from random import Random
from timeit import repeat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from proxy.core.balance.registry import POLICIES
from proxy.core.config import Config
from proxy.engine.change_pool import change_pool
from proxy.engine.live_pool import LivePool
from proxy.engine.reactor import Reactor
from proxy.engine.shared.shared_pool import TOLERANCE
from tests.engine.shared.support import Work, Worker, counted, free, keeping, live, pool_settings, report, sharing

if TYPE_CHECKING:
    from proxy.core.config import Pool
    from proxy.serve.workers.slot_keeper import SlotKeeper
    from tests.conftest import Figures

# ---------------------------------------------------------------------- what others have


def test_policies_see_what_all_workers_have() -> None:
    with sharing(0, 0) as (one, two):
        busy = one.take()
        one.take()
        one.give_back(1)
        two.look()
        (other,) = (b for b in two.pool.backends if b.name != busy.name)
        assert two.take() is other
        assert [b.taken for b in two.pool.backends] == [1, 1]


def test_slots_of_others_are_not_given_back_by_us() -> None:
    with sharing(0) as (one, two):
        for _ in range(3):
            one.take()
        two.look()
        two.take()
        (backend,) = two.pool.backends
        assert (backend.taken, backend.others) == (4, 3)
        two.give_back()
        one.give_back()
        two.look()
        assert (backend.taken, backend.others) == (2, 2)
        assert counted(one.keeper) == 2


def test_a_worker_that_joins_knows_at_once_what_the_others_have() -> None:
    settings = pool_settings(0, 0)
    with keeping(settings, 2) as keeper:
        one = Worker(keeper, 1, settings)
        busy = one.take()
        two = Worker(keeper, 2, settings)
        assert two.take().name != busy.name
        one.close()
        two.close()


def test_the_clock_of_the_reactor_takes_the_look() -> None:
    with sharing(0, 0) as (one, two):
        two.run()
        busy = one.take()
        two.reactor.call_soon(two.take)
        two.sharing._due = 0.0
        two.run()
        assert two.held[0].name != busy.name


def test_retries_and_group_members_go_by_what_this_worker_has() -> None:
    with sharing(0) as (one, two):
        for _ in range(600):  # a fifth would be over the least that is always allowed
            one.take()
        two.look()
        two.pool.repeating = 110
        assert not two.pool.has_retry_budget()


# ---------------------------------------------------------------------- limits


def test_a_limit_holds_for_all_workers_together_whatever_they_see() -> None:
    with sharing(3) as (one, two):
        one.take()
        two.take()
        one.take()  # nobody has looked: each knows of its own alone
        assert two.pool.take() is None
        assert two.pool.is_full
        assert one.pool.take() is None
        assert free(one.keeper) == [0]
        two.give_back()
        assert free(one.keeper) == [1]


def test_a_full_backend_leaves_its_work_to_those_that_are_not() -> None:
    with sharing(1, 0) as (one, two):
        while one.take().limit > 1:
            pass
        assert all(two.take().limit > 1 for _ in range(5))


def test_slot_that_another_gave_back_is_seen_at_the_next_look() -> None:
    with sharing(1) as (one, two):
        one.take()
        assert two.pool.take() is None
        one.give_back()
        assert two.pool.take() is None  # as it was seen
        two.look()
        two.take()


def test_backends_that_were_tried_are_left_out_here_too() -> None:
    with sharing(1, 1) as (one, two):
        tried = one.take()
        assert two.pool.is_full_but_for([]) is False
        assert two.pool.take_another([b for b in two.pool.backends if b.name == tried.name]) is not None
        assert two.pool.take() is None
        assert two.pool.is_full_but_for(two.pool.backends[:1])


@pytest.mark.parametrize("balance", POLICIES)
def test_every_policy_uses_every_slot(balance: str) -> None:
    with sharing(2, 3, 1, balance=balance) as (one, two):
        got = Counter(worker.take().name for worker in (one, two, one, two, one, two))
        assert sorted(got.values()) == [1, 2, 3]
        assert one.pool.take() is two.pool.take() is None


def test_what_shared_slots_cost(figures: Figures) -> None:
    def microseconds(pool: LivePool) -> float:
        def take_and_give_back() -> None:
            backend = pool.take()
            assert backend is not None
            pool.give_back(backend)

        return min(repeat(take_and_give_back, number=1000, repeat=20)) * 1000

    settings = pool_settings(0, 0, 0, 0)
    alone = LivePool(settings, [live(b) for b in settings.backends], Random(0), Reactor(), report)
    with sharing(0, 0, 0, 0) as (shared, _), sharing(9, 9, 9, 9) as (limited, _):
        figures(
            f"a slot of 4 backends, taken and given back: {microseconds(alone):.2f} us, shared "
            f"{microseconds(shared.pool):.2f} us, with a limit {microseconds(limited.pool):.2f} us"
        )


# ---------------------------------------------------------------------- who waits


def test_a_slot_given_back_wakes_work_of_another_worker() -> None:
    with sharing(1) as (one, two):
        one.take()
        assert two.pool.take() is None
        work = two.wait()
        two.run()
        assert work.got is None
        one.give_back()
        two.run()
        assert work.got is two.pool.backends[0]
        assert (counted(one.keeper), free(one.keeper)) == (1, [0])


def test_a_slot_that_was_given_back_before_the_wait_is_found() -> None:
    with sharing(1) as (one, two):
        one.take()
        assert two.pool.take() is None
        one.give_back()
        work = two.wait()
        two.run()
        assert work.got is not None


def test_nobody_is_woken_by_slots_that_come_and_go_while_no_work_waits() -> None:
    with sharing(2) as (one, two):
        two.run()
        one.take()
        one.give_back()
        assert not two.reactor._run_batch()


def wait_since(worker: Worker, since: float) -> Work:
    worker.reactor.now = since
    return worker.wait()


def test_the_oldest_of_all_workers_is_served_first() -> None:
    with sharing(1) as (one, two):
        one.take()
        third, first, second = wait_since(one, 30.0), wait_since(two, 10.0), wait_since(two, 20.0)
        one.give_back()
        one.run()
        assert third.got is None
        two.run()
        assert first.got is not None
        two.give_back()  # to its own: still older than the one there
        two.run()
        one.run()
        assert (second.got is not None, third.got) == (True, None)
        two.give_back()
        one.run()
        assert third.got is not None


def test_a_slot_stays_here_when_nobody_there_has_waited_noticeably_longer() -> None:
    with sharing(1) as (one, two):
        one.take()
        there, here = wait_since(two, 10.0), wait_since(one, 10.0 + TOLERANCE / 2e9)
        one.give_back()
        assert free(one.keeper) == [0]
        one.run()
        assert (here.got is not None, there.got) == (True, None)


def test_newcomers_do_not_overtake_those_who_wait_elsewhere() -> None:
    with sharing(1) as (one, two):
        one.take()
        waits = wait_since(two, 10.0)
        one.look()
        one.give_back()
        assert one.pool.take() is None
        assert one.pool.is_full  # so it waits
        assert one.pool.is_full_but_for([])
        newcomer = wait_since(one, 20.0)
        one.run()
        assert newcomer.got is None
        two.run()
        assert waits.got is not None
        two.give_back()
        one.run()
        assert newcomer.got is not None


def test_a_stopped_worker_whose_turn_it_is_holds_the_others_up_for_a_moment_only() -> None:
    with sharing(1) as (one, two):
        one.take()
        stopped = [wait_since(two, 10.0), wait_since(two, 11.0)]
        waits = [wait_since(one, 20.0), wait_since(one, 21.0), wait_since(one, 22.0)]
        one.give_back()
        one.run()
        one.turn()
        assert waits[0].got is None
        one.turn()  # the slot lies there for a second turn
        assert waits[0].got is not None
        one.give_back()  # and from then on nobody waits for who is stopped
        one.run()
        assert waits[1].got is not None
        two.run()
        one.give_back()
        one.run()
        assert [work.got is not None for work in (waits[2], *stopped)] == [True, False, False]
        one.give_back()
        two.run()
        assert stopped[0].got is not None
        last = wait_since(one, 30.0)
        two.give_back()  # it goes on: its turn counts again
        one.run()
        two.run()
        assert (last.got, stopped[1].got is not None) == (None, True)


def test_slots_that_nobody_may_have_pass_nobody_over() -> None:
    with sharing(1, 1) as (one, two):
        for worker in (one, two):
            worker.pool.set_draining(worker.pool.backends[1], True)
        one.take()
        first, second = wait_since(two, 10.0), wait_since(one, 20.0)
        for _ in range(3):
            one.turn()
        one.give_back()
        one.run()
        assert second.got is None
        two.run()
        assert first.got is not None


def test_newcomer_that_queued_for_others_is_served_when_they_are_gone() -> None:
    with sharing(1, 0) as (one, two):
        for backend in two.pool.backends:
            two.pool.set_healthy(backend, False)
        work = two.wait()
        one.look()
        assert one.pool.take() is None
        newcomer = one.wait()
        two.pool.stop_waiting(work)
        one.turn()
        assert newcomer.got is not None


def test_the_queue_is_bounded_over_all_workers() -> None:
    with sharing(1, queue=3) as (one, two):
        one.take()
        one.wait()
        two.wait()
        work = two.wait()
        assert not one.pool.wait(Work(one))
        assert not two.pool.wait(Work(two))
        two.pool.stop_waiting(work)
        assert one.pool.wait(Work(one))


# ---------------------------------------------------------------------- the configuration changes


def reconfigure(workers: list[Worker], settings: Pool) -> None:
    """As a reload does it, but for the policy and the like."""
    keeper = workers[0].keeper
    keeper.configure(Config(frontends={}, pools={"app": settings}))
    wanted = {str(backend.address): backend for backend in settings.backends}
    for worker in workers:
        worker.adopt()
        for backend in list(worker.pool.backends):
            if backend.name not in wanted:
                worker.pool.remove(backend)
            else:
                worker.pool.set_limit(backend, live(wanted[backend.name]).limit)
        has = {backend.name for backend in worker.pool.backends}
        for name in wanted.keys() - has:
            worker.pool.add(live(wanted[name]))
    keeper.settle_all()


def test_backends_come_and_go_and_keep_what_they_have() -> None:
    with sharing(2) as (one, two):
        one.take()
        reconfigure([one, two], pool_settings(2, 1))
        two.look()
        assert two.take().name.endswith(":9001")
        assert two.take().name.endswith(":9000")
        assert one.pool.take() is None
        reconfigure([one, two], pool_settings(1, first_port=9001))
        assert [b.name for b in one.pool.backends] == ["127.0.0.1:9001"]
        two.give_back(1)  # of the one that is no more
        one.give_back()
        assert free(one.keeper) == [0]
        two.give_back()
        one.look()
        assert one.take().name.endswith(":9001")


def test_a_backend_that_returns_while_its_old_slots_are_in_use_counts_them() -> None:
    with sharing(2) as (one, two):
        one.take()
        reconfigure([one, two], pool_settings(0, first_port=9001))
        reconfigure([one, two], pool_settings(2))
        two.take()
        assert two.pool.take() is one.pool.take() is None
        one.give_back()
        assert free(one.keeper) == [0]  # that slot knew of another semaphore
        assert one.keeper.settle(("app", "127.0.0.1:9000"))
        assert free(one.keeper) == [1]


def test_a_backend_returns_with_another_limit_before_its_last_slot_is_back() -> None:
    gone = pool_settings(0, first_port=9001)
    with sharing(2, 0) as (one, two):
        one.pool.set_healthy(one.pool.backends[1], False)
        two.pool.set_healthy(two.pool.backends[1], False)
        returns = one.take()
        for settings in (gone, pool_settings(1, 0), gone, pool_settings(0, 0), gone, pool_settings(3, 0)):
            one.keeper.configure(Config(frontends={}, pools={"app": settings}))
            for worker in (one, two):
                worker.adopt()
                change_pool(worker.pool, settings, [live(backend) for backend in settings.backends], now=0.0)
            one.keeper.settle_all()
        assert one.pool.backends[0] is returns
        one.take()
        two.take()
        assert one.pool.take() is two.pool.take() is None
        one.give_back()
        assert free(one.keeper) == [1]


def test_limits_rise_and_fall_while_slots_are_in_use() -> None:
    with sharing(2) as (one, two):
        one.take()
        two.take()
        reconfigure([one, two], pool_settings(3))
        two.look()
        two.take()
        assert one.pool.take() is None
        reconfigure([one, two], pool_settings(1))
        for _ in range(2):
            two.give_back()
            one.keeper.settle_all()
            one.look()
            assert one.pool.take() is None
        one.give_back()
        two.look()
        two.take()
        assert one.pool.take() is None


def test_limit_that_was_none_counts_what_was_taken_before() -> None:
    with sharing(0) as (one, two):
        one.take()
        two.take()
        reconfigure([one, two], pool_settings(3))
        one.take()
        assert two.pool.take() is one.pool.take() is None
        for _ in range(2):
            one.give_back()
        two.look()
        two.take()
        two.take()
        assert two.pool.take() is None
        reconfigure([one, two], pool_settings(0))
        assert len([two.take() for _ in range(5)]) == 5


# ---------------------------------------------------------------------- any interleaving

ACTIONS = (
    ["begin_work"] * 6 + ["give_back"] * 5 + ["run"] * 3 + ["look"] * 3
    + ["take_another", "stop_waiting", "fall_ill", "recover", "recover", "turn", "kill"]
)  # fmt: skip
STEPS = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 1), st.integers(0, 99)), min_size=40, max_size=80)


class TwoWorkers:
    """They take, give back, wait, give up, look, fall ill and are killed; the books must balance throughout.

    worker, number: who does it, and to which of what there is to choose from.
    """

    def __init__(self, keeper: SlotKeeper, settings: Pool) -> None:
        self.keeper = keeper
        self.settings = settings
        self.limits = [backend.max_connections for backend in settings.backends]
        self.workers = [Worker(keeper, number, settings) for number in (1, 2)]
        self.waiting: list[Work] = []

    def close(self) -> None:
        for worker in self.workers:
            worker.close()

    def begin_work(self, worker: Worker, number: int) -> None:
        """As sessions do."""
        for _ in range(1 + number % 4):
            backend = worker.pool.take()
            if backend is not None:
                worker.held.append(backend)
            elif worker.pool.is_full and len(self.unserved()) < 5:
                self.waiting.append(worker.wait())

    def take_another(self, worker: Worker, number: int) -> None:
        tried = [backend for index, backend in enumerate(worker.pool.backends) if number >> index & 1]
        backend = worker.pool.take_another(tried)
        if backend is not None:
            assert backend not in tried
            worker.held.append(backend)

    def give_back(self, worker: Worker, number: int) -> None:
        for _ in range(1 + number % 2):
            if worker.held:
                worker.give_back(number % len(worker.held))

    def unserved(self) -> list[Work]:
        self.waiting = [work for work in self.waiting if work.got is None]
        return self.waiting

    def stop_waiting(self, worker: Worker, number: int) -> None:
        """One that is still in a queue."""
        served = {id(function.__self__) for one in self.workers for function, _ in one.reactor._soon}  # type: ignore[attr-defined]
        if queued := [work for work in self.unserved() if id(work) not in served]:
            work = queued[number % len(queued)]
            work.worker.pool.stop_waiting(work)
            self.waiting.remove(work)

    def fall_ill(self, worker: Worker, number: int) -> None:
        worker.pool.set_healthy(worker.pool.backends[number % len(self.limits)], False)

    def recover(self, worker: Worker, number: int) -> None:
        worker.pool.set_healthy(worker.pool.backends[number % len(self.limits)], True)

    def look(self, worker: Worker, number: int) -> None:
        worker.look()

    def run(self, worker: Worker, number: int) -> None:
        worker.run()

    def turn(self, worker: Worker, number: int) -> None:
        worker.turn()

    def kill(self, worker: Worker, number: int) -> None:
        worker.close()
        self.waiting = [work for work in self.waiting if work.worker is not worker]
        self.keeper.retire(worker.number)
        self.keeper.settle_all()
        self.workers[worker.number - 1] = Worker(self.keeper, worker.number, self.settings)

    def check_books(self) -> None:
        tokens = iter(free(self.keeper))
        for number, limit in enumerate(self.limits):
            taken = sum(self.check_own(worker, number) for worker in self.workers)
            if limit:
                assert taken + next(tokens) == limit
        for worker in self.workers:
            since = worker.sharing.waiting_since[worker.pool.row]
            assert worker.sharing.waiting[worker.pool.row] == worker.pool.waiting
            assert bool(since) is bool(worker.pool.waiting)

    def check_own(self, worker: Worker, number: int) -> int:
        """What it has of a backend."""
        backend, own = worker.pool.backends[number], worker.sharing.taken[number]
        scheduled = [args[0] for function, args in worker.reactor._soon if function.__name__ == "slot_freed"]
        assert own == backend.taken - backend.others
        assert own == worker.held.count(backend) + scheduled.count(backend)
        return own

    def check_that_nobody_waits_in_vain(self) -> None:
        """When all is well, and some milliseconds have passed."""
        for worker in self.workers:
            for backend in worker.pool.backends:
                worker.pool.set_healthy(backend, True)
        for _ in range(3):
            for worker in self.workers:
                worker.look()
                worker.run()
                worker.turn()
        if self.unserved():
            assert all(self.limits)
            assert not any(free(self.keeper))


@pytest.mark.slow
@hypothesis_settings(deadline=None)
@given(
    limits=st.lists(st.sampled_from([1, 2, 1, 2, 0]), min_size=1, max_size=3),
    balance=st.sampled_from(sorted(POLICIES)),
    steps=STEPS,
)
def test_any_interleaving(limits: list[int], balance: str, steps: list[tuple[str, int, int]]) -> None:
    settings = pool_settings(*limits, balance=balance)
    with keeping(settings, 2) as keeper:
        both = TwoWorkers(keeper, settings)
        try:
            for action, name, number in steps:
                getattr(both, action)(both.workers[name], number)
                both.check_books()
            both.check_that_nobody_waits_in_vain()
            both.check_books()
        finally:
            both.close()

"""The sums of shared slots: right whatever is changed, and whenever a worker is killed."""

from __future__ import annotations

import dataclasses
import gc
import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.config import Config
from proxy.core.workers.rows import TooManyRows
from proxy.engine.scoreboard import BACKEND
from proxy.serve.workers import slot_keeper
from proxy.serve.workers.slot_keeper import SlotKeeper
from tests.engine.shared.support import Worker, counted, forked, free, keeping, pool_settings
from tests.engine.support import until
from tests.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.config import Pool
    from tests.conftest import Figures

NAME = ("app", "127.0.0.1:9000")


@pytest.fixture(autouse=True)
def no_descriptor_is_left() -> Iterator[None]:
    """A scoreboard's memory has a descriptor of its own, and goes with its last view."""
    yield
    gc.collect()


def configure(keeper: SlotKeeper, settings: Pool) -> None:
    keeper.configure(Config(frontends={}, pools={"app": settings}))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_semaphore_holds_as_many_tokens_as_the_limit_says() -> None:
    with keeping(pool_settings(3, 0, 17), 1) as keeper:
        assert free(keeper) == [3, 17]


def test_descriptors_are_only_those_of_limits_that_there_are() -> None:
    with closing(SlotKeeper(1)) as keeper:
        before = descriptors()
        configure(keeper, pool_settings(1, 2, 3))
        assert descriptors() == before + 3
        configure(keeper, pool_settings(0, 2, 4))
        assert descriptors() == before + 2
    assert descriptors() == before - 1


def test_a_share_has_the_semaphores_that_its_receiver_lacks() -> None:
    with keeping(pool_settings(1, 0), 1) as keeper:
        first, semaphores = keeper.share()
        assert first.backends == {("app", "127.0.0.1:9000"): 0, ("app", "127.0.0.1:9001"): 1}
        assert (first.semaphores, len(semaphores)) == ((NAME,), 1)
        configure(keeper, pool_settings(1, 5))
        second, semaphores = keeper.share(first)
        assert (second.semaphores, len(semaphores)) == ((("app", "127.0.0.1:9001"),), 1)
        assert len(second.limited) == 2


def test_changed_limits_and_tokens_in_use() -> None:
    with keeping(pool_settings(5), 1) as keeper:
        taken = keeper.board.column(1).cells(BACKEND, "taken")
        _, (semaphore,) = keeper.share()
        for _ in range(4):
            os.eventfd_read(semaphore)
        taken[0] = 4
        configure(keeper, pool_settings(2))
        assert not keeper.settle(NAME)
        assert free(keeper) == [0]
        for left in (3, 2):  # two come back, and are absorbed
            taken[0] = left
            os.eventfd_write(semaphore, 1)
            assert keeper.settle(NAME) is (left == 2)
        taken[0] = 1
        os.eventfd_write(semaphore, 1)
        assert keeper.settle(NAME)
        assert free(keeper) == [1]


def test_a_token_on_its_way_is_not_counted_as_missing() -> None:
    with keeping(pool_settings(1), 1) as keeper:
        column = keeper.board.column(1)
        _, (semaphore,) = keeper.share()
        column.cells(BACKEND, "moves")[0] = 1
        os.eventfd_read(semaphore)
        assert not keeper.settle(NAME)
        assert free(keeper) == [0]
        column.cells(BACKEND, "taken")[0] = 1
        column.cells(BACKEND, "moves")[0] = 2
        assert keeper.settle(NAME)
        assert free(keeper) == [0]


def test_more_names_than_rows_are_refused() -> None:
    with closing(SlotKeeper(1)) as keeper:
        pools = {f"pool{number}": pool_settings() for number in range(5000)}
        with pytest.raises(TooManyRows, match="pools"):
            keeper.configure(Config(frontends={}, pools={name: _named(pool, name) for name, pool in pools.items()}))
        assert keeper.share()[0].pools == {}


def _named(pool: Pool, name: str) -> Pool:
    return dataclasses.replace(pool, name=name)


async def test_what_is_wrong_is_put_right_without_being_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot_keeper, "AUDIT_EVERY", 0.02)
    with keeping(pool_settings(2, 3), 1) as keeper, trio.fail_after(8):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keeper.run)
            configure(keeper, pool_settings(4, 1))
            await until(lambda: free(keeper) == [4, 1])
            _, semaphores = keeper.share()
            os.eventfd_read(semaphores[0])  # and nobody has it
            await until(lambda: free(keeper) == [4, 1])
            nursery.cancel_scope.cancel()


# ---------------------------------------------------------------------- real processes


@pytest.mark.slow
def test_killed_workers_lose_no_slot_and_hold_none(figures: Figures, soaking: bool) -> None:
    """Each is killed at any point of taking and giving back, while another goes on."""
    settings, limit, kills, on_its_way = pool_settings(2), 2, 200 if soaking else 8, 0
    with keeping(settings, 2) as keeper:
        workers = [Worker(keeper, number, settings) for number in (1, 2)]
        moves = keeper.board.column(2).cells(BACKEND, "moves")
        with forked(lambda: use(workers[0])):
            for _ in range(kills):
                with forked(lambda: use(workers[1])):
                    wait_until(lambda: moves[0] > 20)
                on_its_way += moves[0] & 1
                keeper.retire(2)
                wait_until(lambda: keeper.settle(NAME))
        keeper.retire(1)
        wait_until(lambda: keeper.settle(NAME))
        assert (free(keeper), counted(keeper)) == ([limit], 0)
        for worker in workers:
            worker.close()
    figures(f"{kills} workers killed that took and gave back slots, {on_its_way} of them with one on its way")


def use(worker: Worker) -> None:
    worker.look()
    backend = worker.pool.take()
    if backend is not None:
        worker.pool.give_back(backend)

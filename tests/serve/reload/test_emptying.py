from __future__ import annotations

import pytest
import trio

from proxy.core.statistics import Life
from proxy.serve.reload.emptying import LOOK, Emptying

NAME = ("app", "127.0.0.1:9001")


class Workers:
    """pids: of those that live, by number."""

    def __init__(self, **pids: int) -> None:
        self.pids = {int(number[1:]): pid for number, pid in pids.items()}

    def __call__(self) -> list[Life]:
        return [Life(number=number, pid=pid, state="running", since=0.0, starts=1) for number, pid in self.pids.items()]


def test_all_workers_have_to_say_so() -> None:
    emptying = Emptying(Workers(_1=11, _2=12))
    emptying.begin(NAME)
    assert not emptying.is_empty(NAME)
    emptying.heard(NAME, 1)
    emptying.heard(NAME, 1)
    assert not emptying.is_empty(NAME)
    emptying.heard(NAME, 2)
    assert emptying.is_empty(NAME)


def test_a_worker_that_died_has_nothing_and_its_successor_never_had() -> None:
    workers = Workers(_1=11, _2=12)
    emptying = Emptying(workers)
    emptying.begin(NAME)
    emptying.heard(NAME, 1)
    workers.pids[2] = 13
    assert emptying.is_empty(NAME)
    workers.pids.clear()
    assert emptying.is_empty(NAME)


def test_one_that_never_drained_is_empty() -> None:
    emptying = Emptying(Workers(_1=11))
    emptying.heard(NAME, 1)
    assert emptying.is_empty(NAME)


def test_begun_anew_all_have_to_say_so_again() -> None:
    emptying = Emptying(Workers(_1=11))
    emptying.begin(NAME)
    emptying.heard(NAME, 1)
    emptying.begin(NAME)
    assert not emptying.is_empty(NAME)
    emptying.end(NAME)
    assert emptying.is_empty(NAME)


async def test_waits_until_it_is_empty(autojump_clock: trio.testing.MockClock) -> None:
    emptying = Emptying(Workers(_1=11))
    emptying.begin(NAME)
    async with trio.open_nursery() as nursery:

        async def say_so() -> None:
            await trio.sleep(3)
            emptying.heard(NAME, 1)

        nursery.start_soon(say_so)
        assert await emptying.wait(NAME, 10)
    assert trio.current_time() == pytest.approx(3, abs=2 * LOOK)


async def test_waits_so_long_and_no_longer(autojump_clock: trio.testing.MockClock) -> None:
    emptying = Emptying(Workers(_1=11))
    emptying.begin(NAME)
    assert not await emptying.wait(NAME, 10)

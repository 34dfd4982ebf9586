"""Real spawners and real workers, which obey: that there is always another one, and that it is known how one ended."""

from __future__ import annotations

import os
import signal
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from proxy.serve.workers.spawning import Spawning
from tests.engine.support import descriptors, until
from tests.processes import is_gone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proxy.serve.workers.process import Process
    from tests.conftest import Figures

PUPPETS = "tests.serve.workers.puppet_spawner"
DEADLINE = 10.0


@asynccontextmanager
async def spawning(module: str = PUPPETS) -> AsyncIterator[Spawning]:
    spawner = Spawning(module)
    with trio.fail_after(DEADLINE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(spawner.run)
            yield spawner
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def worker(spawner: Spawning, number: int = 1) -> AsyncIterator[tuple[Process, Talk]]:
    """It must have ended when the block does."""
    process, sock = await spawner.spawn(number)
    sock.setblocking(False)
    with trio.socket.from_stdlib_socket(sock) as channel:
        yield process, Talk(channel)
    await process.wait()
    process.close()


class Talk:
    def __init__(self, channel: trio.socket.SocketType) -> None:
        self.channel = channel

    async def ask(self, word: str) -> str:
        await self.channel.send(word.encode())
        return (await self.channel.recv(4096)).decode()


def name_of(process: Process) -> str:
    return Path(f"/proc/{process.pid}/comm").read_text()


async def test_a_worker_ends_with_its_channel() -> None:
    before = descriptors()
    async with spawning() as spawner:
        async with worker(spawner, 3) as (process, talk):
            assert await talk.ask("who") == f"3 {process.pid}"
            assert name_of(process) == "rproxy worker 3\n"
        assert is_gone(process.pid)
    assert descriptors() == before


@pytest.mark.parametrize(("word", "status"), [("0", 0), ("3", 3), ("crash", 70)])
async def test_how_it_ended(word: str, status: int) -> None:
    async with spawning() as spawner, worker(spawner) as (process, talk):
        await talk.channel.send(word.encode())
        assert await process.wait() == status


async def test_killed() -> None:
    async with spawning() as spawner, worker(spawner) as (process, _):
        process.kill()
        assert await process.wait() == -signal.SIGKILL
        process.kill()  # too late, and no harm


async def test_the_signals_of_the_supervisor_do_not_end_a_worker() -> None:
    async with spawning() as spawner, worker(spawner) as (_, talk):
        assert await talk.ask("signals") == "alive"
        assert spawner.pid is not None
        os.kill(spawner.pid, signal.SIGINT)
        os.kill(spawner.pid, signal.SIGTERM)
        async with worker(spawner, 2) as (_, other):
            assert (await other.ask("who")).startswith("2 ")


async def test_a_worker_has_no_descriptors_of_others() -> None:
    """Standard input, output and error, its channel, and the one that lists them."""
    async with spawning() as spawner, worker(spawner), worker(spawner, 2), worker(spawner, 3) as (_, talk):
        assert len((await talk.ask("descriptors")).split()) == 5


@pytest.mark.slow
async def test_a_spawner_that_dies_is_replaced_and_its_workers_live_on() -> None:
    async with spawning() as spawner, worker(spawner) as (process, talk):
        first = spawner.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        async with worker(spawner, 2) as (_, other):
            assert (await other.ask("who")).startswith("2 ")
        assert spawner.pid not in (None, first)
        assert await talk.ask("who") == f"1 {process.pid}"
        process.kill()
        assert await process.wait() in (None, -signal.SIGKILL)  # its parent is another now, which may be we


@pytest.mark.slow
async def test_one_that_dies_instead_of_answering_is_not_the_last() -> None:
    async with spawning() as spawner:
        await until(lambda: spawner.pid is not None)
        assert spawner.pid is not None
        os.kill(spawner.pid, signal.SIGSTOP)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(use_one, spawner)
            await trio.testing.wait_all_tasks_blocked()
            os.kill(spawner.pid, signal.SIGKILL)


@pytest.mark.slow
async def test_one_that_hangs_is_not_the_last() -> None:
    async with spawning() as spawner:
        await until(lambda: spawner.pid is not None)
        assert spawner.pid is not None
        spawner.patience = spawner.start_patience = 0.1
        os.kill(spawner.pid, signal.SIGSTOP)
        with trio.move_on_after(0.15):
            await use_one(spawner)
        spawner.patience = spawner.start_patience = 5.0
        await use_one(spawner)


@pytest.mark.slow
async def test_one_that_still_starts_does_not_hang() -> None:
    async with spawning() as spawner:
        spawner.patience = 0.01  # its imports take longer
        await use_one(spawner)


async def use_one(spawner: Spawning) -> None:
    async with worker(spawner) as (_, talk):
        assert (await talk.ask("who")).startswith("1 ")


async def test_an_answer_that_nobody_waits_for_any_more() -> None:
    async with spawning() as spawner:
        await until(lambda: spawner.pid is not None)
        assert spawner.pid is not None
        os.kill(spawner.pid, signal.SIGSTOP)
        with trio.move_on_after(0.02):
            await spawner.spawn(1)
        before = descriptors()
        os.kill(spawner.pid, signal.SIGCONT)
        async with worker(spawner, 2) as (_, talk):
            assert (await talk.ask("who")).startswith("2 ")
        assert descriptors() == before


async def test_a_module_that_is_not_there(caplog: pytest.LogCaptureFixture) -> None:
    async with spawning("proxy.no_such_module"):
        await until(lambda: "the spawner of workers has died" in caplog.text)


@pytest.mark.slow
async def test_how_long_a_new_worker_takes(figures: Figures) -> None:
    async with spawning() as spawner:
        async with worker(spawner) as (_, talk):
            await talk.ask("who")
        times = []
        for number in range(1, 11):
            begin = trio.current_time()
            async with worker(spawner, number) as (_, talk):
                await talk.ask("who")
                times.append(trio.current_time() - begin)
        figures(f"a forked worker answers after {sorted(times)[5] * 1000:.1f} ms (median of 10)")

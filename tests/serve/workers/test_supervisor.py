# ruff: noqa: SIM117 - backends, a supervisor before them: nested as they are

"""Real workers that are killed, hung and ended; what waited for them is served all the same."""

from __future__ import annotations

import errno
import gc
import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import UnixAddress
from proxy.core.config import AUTO, AccessLog, LogFile
from proxy.serve.listeners import ListenError
from proxy.serve.workers.supervised import WorkerError
from proxy.serve.workers.supervisor import Supervisor, worker_count
from tests.engine.support import GET, Gate, backend, config, descriptors, dial, hello, silent, status, until
from tests.processes import is_alive
from tests.serve.workers.support import get, kill, pids, replaced, supervised, workers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Figures

pytestmark = pytest.mark.slow


async def test_all_workers_serve_and_end() -> None:
    gc.collect()
    before = descriptors()
    async with backend(hello) as app:
        async with supervised(workers(2, config(app.address))) as running:
            started = pids(running.workers)
            assert len(started) == 2
            heads = [await get(running) for _ in range(20)]
            assert {status(head) for head in heads} == {200}
        assert not any(map(is_alive, started))
    del running
    gc.collect()  # the scoreboard's memory has a descriptor of its own, and goes with its last view
    assert descriptors() == before


async def test_a_killed_worker_is_replaced_and_its_queue_is_served(figures: Figures) -> None:
    """The queue of the new one is that of the old one: nobody is reset who connected while there was none."""
    async with backend(hello) as app, supervised(workers(2, config(app.address))) as running:
        for worker in running.workers:
            former = kill(worker.pid, signal.SIGSTOP)  # so that some wait in its queue
            wires = [await dial(running.listeners.addresses["web"][0]) for _ in range(20)]
            for wire in wires:
                await wire.send(GET)
            begin = trio.current_time()
            kill(former)
            for wire in wires:
                assert status((await wire.response())[0]) == 200
                wire.close()
            seconds = trio.current_time() - begin
            figures(f"worker {worker.number} killed: those who waited were answered within {seconds * 1000:.0f} ms")
            await replaced(worker, former)


async def test_a_hung_worker_is_killed_and_replaced(caplog: pytest.LogCaptureFixture) -> None:
    async with backend(hello) as app:
        async with supervised(workers(2, config(app.address), worker_timeout=0.6)) as running:
            worker = running.workers[0]
            former = kill(worker.pid, signal.SIGSTOP)
            await replaced(worker, former)
            assert "worker 1 died (killed: it did nothing for " in caplog.text
            assert status(await get(running)) == 200


async def test_all_workers_share_a_unix_socket(tmp_path: Path) -> None:
    listen = UnixAddress(str(tmp_path / "front"))
    async with backend(hello) as app:
        async with supervised(workers(2, config(app.address, listen=listen))) as running:
            for worker in running.workers:
                kill(worker.pid, signal.SIGSTOP)
                assert status(await get(running)) == 200  # by the other one
                kill(worker.pid, signal.SIGCONT)
        assert not (tmp_path / "front").exists()


async def test_what_is_decided_reaches_every_worker_and_its_successor() -> None:
    async with backend(hello) as one, backend(hello) as two:
        async with supervised(workers(2, config(one.address, two.address))) as running:
            first = running.controller.pools["app"][str(one.address)]
            running.controller.set_mode(first, "draining")
            for worker in running.workers:
                former = kill(worker.pid)
                await replaced(worker, former)
            await until(lambda: all(worker.state == "running" for worker in running.workers))
            seen = one.connections
            for _ in range(20):
                assert status(await get(running)) == 200
            assert (one.connections, two.connections > 0) == (seen, True)


async def test_what_a_worker_meets_reaches_the_controller() -> None:
    dead = UnixAddress("@nobody-is-here")
    async with backend(hello) as app, supervised(workers(2, config(app.address, dead))) as running:
        controlled = running.controller.pools["app"][str(dead)]
        while controlled.condition == "ready":
            assert status(await get(running)) == 200


async def test_draining_finishes_what_runs_and_takes_what_waits() -> None:
    async with backend(hello) as app, supervised(workers(2, config(app.address))) as running:
        address = running.listeners.addresses["web"][0]
        wires = [await dial(address) for _ in range(10)]
        for wire in wires:
            await wire.send(GET)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(running.drain, 5.0)
            for wire in wires:
                assert status((await wire.response())[0]) == 200
                wire.close()
        assert pids(running.workers) == []
        with pytest.raises(OSError, match="refused"):
            await dial(address)


async def test_what_does_not_finish_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with backend(silent) as app, supervised(workers(2, config(app.address))) as running:
        wire = await dial(running.listeners.addresses["web"][0])
        await wire.send(GET)
        await until(lambda: app.open == running.slots.active == 1)
        await running.drain(0.1)
        wire.close()
        assert pids(running.workers) == []
    assert "stopping: 1 sessions finish within 0.1 s" in caplog.text
    assert "1 sessions did not finish, and were cut" in caplog.text


async def test_whoever_does_not_wait_for_the_end_cuts() -> None:
    async with backend(silent) as app, supervised(workers(2, config(app.address))) as running:
        wire = await dial(running.listeners.addresses["web"][0])
        await wire.send(GET)
        await until(lambda: app.open == 1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(running.drain, 1000.0)
            await until(lambda: running.workers[0].state == "draining")
            await running.cut()
        wire.close()
        assert pids(running.workers) == []


async def test_one_that_cannot_start_says_why() -> None:
    settings = workers(2, config(UnixAddress("@nobody"), frontend={"access_log": AccessLog(to=LogFile("/no/dir/log"))}))
    with pytest.raises(BaseExceptionGroup) as caught:
        async with supervised(settings):
            pytest.fail("it started")
    found, rest = caught.value.split(WorkerError)
    assert rest is None
    assert "access log of web: cannot open /no/dir/log" in repr(found)


async def test_a_port_in_use_is_refused() -> None:
    async with supervised(workers(2, config(UnixAddress("@nobody")))) as running:
        (address,) = running.listeners.addresses["web"]
        with pytest.raises(ListenError) as caught:
            Supervisor(workers(2, config(UnixAddress("@nobody"), listen=address)))
        assert caught.value.error.errno == errno.EADDRINUSE


def test_how_many() -> None:
    settings = config(UnixAddress("@nobody"))
    assert worker_count(settings) == 1
    assert worker_count(replace(settings, workers=3)) == 3
    assert worker_count(replace(settings, workers=AUTO)) == len(os.sched_getaffinity(0))


async def test_one_that_keeps_dying_is_tried_on_less_and_less_often(caplog: pytest.LogCaptureFixture) -> None:
    async with backend(hello) as app, supervised(workers(2, config(app.address))) as running:
        worker, other = running.workers
        while "worker 1 keeps dying (signal 9); trying on" not in caplog.text:
            former = kill(worker.pid)
            await replaced(worker, former)
        assert caplog.text.count("worker 1 died (signal 9); starting it again") == 4
        assert other.state == "running"
        assert status(await get(running)) == 200


async def test_a_report_that_is_none_ends_a_worker(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever runs in it is not what we have started."""
    async with backend(hello) as app, supervised(workers(2, config(app.address))) as running:
        running.spawning.module = "tests.serve.workers.nonsense_spawner"
        former = kill(running.spawning.pid)
        await until(lambda: running.spawning.pid not in (None, former))
        kill(running.workers[0].pid)
        await until(lambda: "worker 1 died (killed: it talks nonsense, " in caplog.text)
        assert running.workers[1].state == "running"


async def test_limits_of_connections_are_shared_out() -> None:
    gate = Gate()
    async with backend(gate) as app:
        async with supervised(workers(2, config(app.address, limits={"connections": 10}))) as running:
            wires = [await dial(running.listeners.addresses["web"][0]) for _ in range(30)]
            for wire in wires:
                await wire.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            await until(lambda: gate.arrived == 10)
            await trio.sleep(0.1)  # nothing says that no other comes
            assert gate.arrived == 10
            gate.open()
            for wire in wires:
                assert status((await wire.response())[0]) == 200
                wire.close()

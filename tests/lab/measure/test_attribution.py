"""Who had the work, of real servers under a real load."""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from proxy.lab.deployment import Worker
from proxy.lab.load.generate import generate
from proxy.lab.load.spec import LoadSpec
from proxy.lab.measure.attribution import Watch, watching
from proxy.lab.measure.cpu import cpu_seconds
from tests.clients.support import running, short_directory
from tests.processes import free_port, start_process, wait_listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from proxy.lab.results import LoadResult, WorkerShare

pytestmark = pytest.mark.slow
HELLO = (sys.executable, "-m", "backends.hello")


class Deployed:
    """Processes that serve, as a model would tell of them."""

    description = ""

    def __init__(self, target: str, pids: Sequence[int]) -> None:
        self.target = target
        self.pids = list(pids)

    def workers(self) -> Sequence[Worker]:
        return [Worker(number, pid) for number, pid in enumerate(self.pids, 1)]

    def roots(self) -> Sequence[int]:
        return self.pids

    async def kill(self, number: int) -> None:
        raise NotImplementedError

    restart = scale = kill  # type: ignore[assignment]


@contextmanager
def group(directory: Path, kind: str, count: int = 2) -> Iterator[Deployed]:
    """reuseport: one port; fd, unix: one listening socket for all, which they inherit."""
    target = f"127.0.0.1:{free_port()}" if kind != "unix" else f"unix:{directory}/app.sock"
    with ExitStack() as stack:
        if kind == "reuseport":
            started = [
                stack.enter_context(start_process((*HELLO, "--listen", target, "--reuseport"))) for _ in range(count)
            ]
        else:
            sock = stack.enter_context(socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET))
            sock.bind(target.removeprefix("unix:") if kind == "unix" else ("127.0.0.1", int(target.rpartition(":")[2])))
            sock.listen(1024)
            words = (*HELLO, "--fd", str(sock.fileno()))
            started = [stack.enter_context(start_process(words, pass_fds=[sock.fileno()])) for _ in range(count)]
        for process in started:
            wait_listening(target, process=process)
        yield Deployed(target, [process.pid for process in started])


async def watched(
    deployed: Deployed, interval: float = 0.1, **changes: object
) -> tuple[LoadResult, Watch, Sequence[WorkerShare]]:
    spec = LoadSpec(deployed.target, **{"rate": 300, "seconds": 0.3, "warm_up": 0.0, "per_connection": True, **changes})  # type: ignore[arg-type]
    async with watching(deployed, interval) as watch:
        load = await generate(spec)
    return load, watch, watch.shares(load)


@pytest.mark.parametrize("kind", ["reuseport", "fd", "unix"])
async def test_whose_the_connections_are_and_how_many_requests_came_over_each(kind: str) -> None:
    with short_directory() as directory, group(directory, kind) as deployed:
        load, _, shares = await watched(deployed, connections=20, clients="long")
        assert [(share.number, share.pid) for share in shares] == list(enumerate(deployed.pids, 1))
        assert sum(share.connections for share in shares) == 20
        assert sum(share.requests or 0 for share in shares) == load.completed
        assert all(0 < share.busy < 1 for share in shares if share.requests)


async def test_behind_a_proxy_the_workers_own_connections_are_counted_and_segments_as_requests() -> None:
    ports = [free_port(), free_port()]
    with ExitStack() as stack:
        started = [stack.enter_context(start_process((*HELLO, "--listen", f"127.0.0.1:{port}"))) for port in ports]
        for port, process in zip(ports, started, strict=True):
            wait_listening(f"127.0.0.1:{port}", process=process)
        backends = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
        proxy = stack.enter_context(
            running(f'[frontends.web]\nlisten = "127.0.0.1:0"\npool = "app"\n[pools.app]\nbackends = [{backends}]\n')
        )
        deployed = Deployed(proxy.address, [process.pid for process in started])
        load, _, shares = await watched(deployed, connections=20, clients="keep-alive")
    assert not load.errors
    assert abs(sum(share.requests or 0 for share in shares) - load.completed) <= 4, "a probe of health is a segment too"
    assert all(share.requests > load.completed / 4 for share in shares if share.requests is not None)


@pytest.mark.soak
async def test_what_came_before_is_not_counted_and_looks_tell_of_progress() -> None:
    with short_directory() as directory, group(directory, "fd", 1) as deployed:
        await watched(deployed)
        load, watch, (share,) = await watched(deployed, 0.1, seconds=1.5)
        assert share.requests == load.completed
        work = [look.work.get(1, 0) for look in watch.looks]
        assert work == sorted(work)
        assert work[0] == 0
        assert len(set(work)) > 3
        assert watch.looks[0].busy == {1: 0.0}


async def test_a_worker_that_came_later_has_used_all_its_time_here_and_a_dead_one_keeps_what_it_had() -> None:
    with short_directory() as directory, group(directory, "fd", 2) as deployed:
        second = deployed.pids.pop()
        watch = Watch(deployed)  # type: ignore[arg-type]
        await watch.look()
        deployed.pids.append(second)
        await watch.look()
        deployed.pids.pop()
        before = cpu_seconds(deployed.pids)
        load = await generate(LoadSpec(deployed.target, rate=50, seconds=0.1, warm_up=0.0, per_connection=True))
        first_share, second_share = watch.shares(load)
    assert first_share.busy < before, "it was started before anybody watched"
    assert second_share.busy > 0.005, "Python alone takes several times as long to start"


async def test_what_a_deployment_tells_goes_before_what_was_seen() -> None:
    """Until it has no time to tell, when it keeps what it had."""
    told: list[dict[int, int] | None] = [{1: 100}, {1: 110}, None]

    class Telling(Deployed):
        async def requests_by_worker(self) -> dict[int, int]:
            found = told.pop(0)
            if found is None:
                raise ConnectionRefusedError
            return found

    watch = Watch(Telling("", []))  # type: ignore[arg-type]
    assert [(await watch.look()).work for _ in range(3)] == [{1: 0}, {1: 10}, {1: 10}]
    assert watch.counts_requests

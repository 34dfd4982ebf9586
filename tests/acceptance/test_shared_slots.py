"""Two workers share their backends' slots: least connections and limits hold for both together, and who waits is served
in order."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
import trio

from tests.acceptance.busy import Busy, serving
from tests.acceptance.crowd import ask, crowd, dial
from tests.clients.support import running, short_directory, started
from tests.processes import start_backend

if TYPE_CHECKING:
    from tests.conftest import Figures

pytestmark = pytest.mark.slow

FAST, SLOW = 0.06, 0.6  # seconds per request; long beside what a busy machine adds
CLIENTS = 64


def configuration(workers: int, backends: list[str], **pool: object) -> str:
    settings = "\n".join(f"{key} = {value!r}" for key, value in pool.items())
    return f"""\
workers = {workers}
[frontends.web]
listen = "127.0.0.1:0"
pool = "app"
[pools.app]
backends = [{", ".join(backends)}]
{settings}
"""


async def test_two_workers_share_work_as_one_does(figures: Figures) -> None:
    """Each alone would know half of it, and give the slow one more."""
    with ExitStack() as stack:
        directory = stack.enter_context(short_directory())
        backends = [
            stack.enter_context(start_backend("hello", "--delay", str(delay), listen=f"unix:{directory}/{n}.sock"))
            for n, delay in enumerate((FAST, FAST, FAST, SLOW))
        ]
        addresses = [f'"{backend.address}"' for backend in backends]
        found: dict[int, list[float]] = {}

        async def measure(workers: int, address: str) -> None:
            answers = await crowd(address, CLIENTS, skip=SLOW, window=4 * SLOW)
            found[workers] = [answers[backend.process.pid] / answers.total() for backend in backends]

        async with trio.open_nursery() as nursery:
            for workers in (1, 2):
                rproxy = stack.enter_context(running(configuration(workers, addresses)))
                nursery.start_soon(measure, workers, rproxy.address)
    for workers, shares in found.items():
        figures(f"least connections, {workers} workers: " + ", ".join(f"{share:.1%}" for share in shares))
    assert all(abs(one - two) < 0.03 for one, two in zip(found[1], found[2], strict=True))


async def test_sessions_that_come_one_after_another_are_spread_evenly(figures: Figures) -> None:
    """Workers that do not know of each other begin at the same backend each, so that some get two more than others."""
    backends = [Busy(0.0) for _ in range(10)]
    async with serving(*backends) as addresses:
        text = configuration(2, [f'"{address}"' for address in addresses]).replace("[pools", 'mode = "tcp"\n[pools')
        with started(text) as rproxy:
            streams = []
            for _ in range(45):
                streams.append(await dial(rproxy.address))
                await ask(streams[-1])
                await trio.sleep(0.01)  # until the other worker has seen it: a millisecond, and more on a busy machine
            counts = sorted(backend.answers for backend in backends)
            for stream in streams:
                await stream.aclose()
            await trio.to_thread.run_sync(rproxy.end)
    figures(f"45 sessions over 10 backends and 2 workers: {counts}")
    assert counts[-1] - counts[0] <= 1


@pytest.mark.parametrize("mode", ["http", "tcp"])
@pytest.mark.parametrize("limits", [(1,), (2, 3)])
async def test_no_limit_is_exceeded_over_all_workers(mode: str, limits: tuple[int, ...], figures: Figures) -> None:
    backends = [Busy(0.005) for _ in limits]
    async with serving(*backends) as addresses:
        members = [
            f'{{address = "{address}", max_connections = {limit}}}'
            for address, limit in zip(addresses, limits, strict=True)
        ]
        with started(configuration(2, members).replace('pool = "app"', f'pool = "app"\nmode = "{mode}"')) as rproxy:
            counts = await ask_by_turns(rproxy.address, clients=24, seconds=1.0)
            await trio.to_thread.run_sync(rproxy.end)  # the backends are in this thread, and have to close too
    assert [backend.most for backend in backends] == list(limits)  # never more, and all of it is used
    figures(
        f"{mode}, limits {limits}, 2 workers, 24 clients: {sum(counts)} answers in 1 s, "
        f"from {min(counts)} to {max(counts)} a client"
    )
    assert min(counts) >= max(counts) / 2  # where each worker serves its own first, some get a third


async def ask_by_turns(address: str, *, clients: int, seconds: float) -> list[int]:
    """Answers that each client got; each asks on new connections, so that every worker has waiting work.

    Nobody breaks off: the proxy would count that slot as free, and the backend would still be at it.
    """
    counts: Counter[int] = Counter()
    end = trio.current_time() + seconds

    async def one(client: int) -> None:
        while trio.current_time() < end:
            async with await dial(address) as stream:
                await ask(stream)
                counts[client] += 1

    async with trio.open_nursery() as nursery:
        for client in range(clients):
            nursery.start_soon(one, client)
    return [counts[client] for client in range(clients)]

"""What is known of the kernel's ways to share out connections, each measured on what the lab deploys, generously."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import textwrap
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.lab.analysis.fairness import chance_cv, cv
from proxy.lab.kernel import prefix, why_not
from proxy.lab.measure.attribution import Watch
from proxy.lab.measure.families import stat_fields
from proxy.lab.scenarios import crash, long, restart, scale, slow
from proxy.serve.machine.port_sockets import listening_on
from tests.clients.support import program
from tests.lab.scenarios.support import deployed, is_sound, plan
from tests.processes import DEADLINE, ROOT, connect, wait_until

if TYPE_CHECKING:
    import socket
    from types import ModuleType

    from proxy.lab.deployment import Deployment
    from proxy.lab.results import ScenarioResult
    from proxy.lab.scenarios.scenario import Plan
    from tests.conftest import Figures

pytestmark = pytest.mark.slow
GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
WORKERS = 4


async def spread(deployment: Deployment, count: int, *, in_a_burst: bool) -> list[int]:
    """So many connections that are opened all at once, or each when all workers sleep, and stay: how many of them each
    worker has."""
    with ExitStack() as stack:
        clients: list[socket.socket] = []
        for _ in range(count):
            if not in_a_burst:
                wait_until(lambda: all(stat_fields(worker.pid)[0] == "S" for worker in deployment.workers()))
            clients.append(stack.enter_context(connect(deployment.target)))
            if not in_a_burst:
                ask(clients[-1:])
        ask(clients)
        return list((await Watch(deployment).look()).connections.values())


def ask(clients: list[socket.socket]) -> None:
    for client in clients:
        client.sendall(GET)
    for client in clients:
        assert client.recv(4096).startswith(b"HTTP/1.1 200")


async def test_a_shared_epoll_listener_is_unfair_to_connections_that_stay_and_so_reuseport_is_not(
    figures: Figures,
) -> None:
    """200 that come at once. The worst of four times: now and then also a lottery ends evenly."""
    found = {}
    for model, variant in (("prefork", "epoll"), ("reuseport", "supervised")):
        async with deployed(model, variant, WORKERS) as deployment:
            found[model] = [await spread(deployment, 200, in_a_burst=True) for _ in range(4)]
    shared, reuseport = (max(map(cv, found[model])) for model in ("prefork", "reuseport"))
    figures(
        f"200 connections at once on {WORKERS} workers, CV by chance {chance_cv(WORKERS, 200):.2f}: shared epoll "
        f"{shared:.2f} ({max(found['prefork'], key=cv)}), SO_REUSEPORT {reuseport:.2f}"
    )
    assert reuseport < 0.4, "three times what chance gives"
    assert shared > 0.3
    assert shared > reuseport


async def test_epollexclusive_feeds_one_worker_when_all_are_idle(figures: Figures) -> None:
    found = {}
    for model, variant in (("prefork", "epoll-exclusive"), ("reuseport", "supervised")):
        async with deployed(model, variant, WORKERS) as deployment:
            counts = await spread(deployment, 60, in_a_burst=False)
        found[model] = max(counts) / sum(counts)
    figures(
        f"60 connections one after the other on {WORKERS} workers: the first has {found['prefork']:.0%} with "
        f"EPOLLEXCLUSIVE, {found['reuseport']:.0%} with SO_REUSEPORT"
    )
    assert found["prefork"] > 0.6
    assert found["reuseport"] < 0.6


async def at_once(*runs: tuple[str, ModuleType, Plan]) -> list[ScenarioResult]:
    """Scenarios that burn nothing do not disturb each other much. By variant of a model, one deployment for each."""
    results: dict[int, ScenarioResult] = {}

    async def run(index: int, variant: str, scenario: ModuleType, made: Plan) -> None:
        async with deployed(made.model, variant, made.workers) as deployment:
            results[index] = await scenario.run(deployment, made)
        assert is_sound(results[index], made)

    async with trio.open_nursery() as nursery:
        for index, one in enumerate(runs):
            nursery.start_soon(run, index, *one)
    return [results[index] for index in sorted(results)]


async def test_who_was_hashed_to_a_busy_reuseport_worker_waits_though_another_one_is_idle(figures: Figures) -> None:
    """A shared queue is emptied by whoever is free: that is all of its better tail."""
    found = {}
    for model, variant in (("prefork", "epoll"), ("reuseport", "supervised")):
        async with deployed(model, variant, 2) as deployment:
            found[model] = answered_beside_a_busy_one(deployment.target)
            for worker in deployment.workers():
                os.kill(worker.pid, signal.SIGKILL)  # who is busy would end no sooner
    figures(
        f"one of two workers is busy: of 40 clients {found['prefork']} are answered by the other one with a shared "
        f"listener, {found['reuseport']} with SO_REUSEPORT"
    )
    assert found["prefork"] == 40
    assert 4 < found["reuseport"] < 36


def answered_beside_a_busy_one(target: str) -> int:
    """When whoever is not busy has emptied its queue."""
    with ExitStack() as stack:
        busy = stack.enter_context(connect(target))
        busy.sendall(GET + GET.replace(b"/", b"/?block=60", 1))
        assert busy.recv(4096)  # the first was answered, so that now it has begun with the second
        clients = {stack.enter_context(connect(target)) for _ in range(40)}
        for client in clients:
            client.sendall(GET)
        answered: set[socket.socket] = set()

        def each_is_answered_or_waits() -> bool:
            answered.update(select.select(clients - answered, [], [], 0)[0] if answered != clients else ())
            waiting = [sock.waiting for sock in listening_on(int(target.rpartition(":")[2]))]
            return min(waiting) == 0 and len(answered) + sum(waiting) == len(clients)

        wait_until(each_is_answered_or_waits)
        return len(answered)


@pytest.mark.soak
async def test_reuseport_has_the_worse_tail_than_a_shared_queue_and_least_connections_with_some_slow_requests(
    figures: Figures,
) -> None:
    """By least connections about one fast request is stuck behind each slow one, which is one in a hundred: that shows
    in the 99th percentile by chance, and not in the 95th."""
    made = {"seconds": 10.0, "workers": 2}
    results = await at_once(
        ("supervised", slow, plan("reuseport", **made)),
        ("epoll", slow, plan("prefork", **made)),
        ("least-connections", slow, plan("proxy-tcp", **made)),
    )
    told = [
        f"{result.model} {result.figures['fast_p95'] * 1000:.0f} and {result.figures['fast_p99'] * 1000:.0f} ms"
        for result in results
    ]
    figures(f"95 and 99 % of fast requests beside 1 % that block for 100 ms are answered within: {', '.join(told)}")
    own, shared, chosen = (result.figures["fast_p95"] for result in results)
    assert max(shared, chosen) < own


async def test_a_killed_reuseport_worker_takes_its_requests_with_it_and_the_next_ones_go_elsewhere(
    figures: Figures,
) -> None:
    seconds = {"seconds": 2.4, "workers": 2}
    killed, replaced = await at_once(*(("supervised", each, plan("reuseport", **seconds)) for each in (crash, restart)))
    lost = [f"{result.figures['failed']:.0f} of {result.figures['intended']:.0f}" for result in (killed, replaced)]
    figures(f"SO_REUSEPORT: two kills cost {lost[0]} requests, a rolling restart {lost[1]}")
    assert [mark.text for mark in killed.marks] == ["SIGKILL worker 1", "SIGKILL worker 2"]
    assert [mark.text for mark in replaced.marks] == ["restart of all workers", "all restarted"]
    assert killed.figures["reset"] > 0
    assert max(result.figures["failed"] / result.figures["intended"] for result in (killed, replaced)) < 0.25
    assert killed.figures["recovery"] >= 0


async def test_new_reuseport_workers_get_new_connections_at_once_and_never_those_that_stay(
    figures: Figures, soaking: bool
) -> None:
    seconds = {"seconds": 10.0 if soaking else 3.0, "workers": 2}
    grown, stayed = await at_once(*(("supervised", each, plan("reuseport", **seconds)) for each in (scale, long)))
    after = grown.figures.get("share_after")  # None if a busy machine did not start them within those seconds
    figures(f"SO_REUSEPORT: new workers have their share of new connections after {after} s")
    assert after is not None or not soaking
    assert after is None or sum(share.connections for share in grown.shares[2:]) > 0
    assert [mark.text for mark in grown.marks] == ["to 4 workers", "to 2 workers"]
    assert [share.number for share in grown.shares] == [1, 2, 3, 4]
    assert stayed.figures["new_share"] == 0


# Two processes listen with SO_REUSEPORT, one of which never accepts and is killed with its queue full. Its parent
# accepts what it has itself, and answers. Tells how many clients were answered, and how many it had to reset.
DYING = textwrap.dedent("""
    import json, os, signal, socket, sys
    COUNT = 60

    def listen(port):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(("127.0.0.1", port))
        sock.listen(COUNT)
        return sock

    ours = listen(0)
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        theirs = listen(ours.getsockname()[1])
        ours.close()
        os.write(tell, b"x")
        signal.pause()
    os.read(told, 1)
    clients = [socket.create_connection(ours.getsockname(), 5) for _ in range(COUNT)]
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    ours.settimeout(0.2)
    answered = 0
    try:
        while True:
            ours.accept()[0].sendall(b"x")
    except TimeoutError:
        pass
    for client in clients:
        try:
            answered += client.recv(1) == b"x"
        except ConnectionResetError:
            pass
    print(json.dumps(answered / COUNT))
""")


def test_a_dying_reuseport_worker_resets_its_queue_and_tcp_migrate_req_cures_it(figures: Figures) -> None:
    program("unshare", "util-linux")
    answered = {}
    for value in ("0", "1"):
        settings = {"net.ipv4.tcp_migrate_req": value}
        if why := why_not(settings):
            pytest.skip(f"not settable here: {why}")
        done = subprocess.run(
            [*prefix(settings), sys.executable, "-c", DYING],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            timeout=DEADLINE,
            check=True,
        )
        answered[value] = json.loads(done.stdout)
    figures(
        f"60 connections wait in the queues of two SO_REUSEPORT workers, and one is killed: {answered['0']:.0%} are "
        f"answered, with tcp_migrate_req {answered['1']:.0%}"
    )
    assert 0.2 < answered["0"] < 0.8
    assert answered["1"] == 1.0

"""An operator at work while clients come and go: no request fails but those that a killed worker had in its hands."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.operating import Operator, Plan, operated
from tests.acceptance.traffic import CUT, Client, Keeper, Opener, Transfer, WebSocket, Wrk, going, wrk
from tests.clients.support import module
from tests.processes import free_port, start_backend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Figures

pytestmark = pytest.mark.slow

RELOADS = 20
OPENERS, KEEPERS, WRK = 2, 2, 16


@pytest.fixture(scope="module")
def backends() -> Iterator[list[str]]:
    """Six that speak HTTP, of which four are used at the start, and an echo."""
    with ExitStack() as stack:
        hellos = [stack.enter_context(start_backend("hello", "--name", str(n))).address for n in range(6)]
        yield [*hellos, stack.enter_context(start_backend("echo")).address]


def plan_of(backends: list[str], workers: int) -> Plan:
    ports = [f"127.0.0.1:{free_port()}" for _ in range(3)]
    return Plan(workers, ports[0], ports[1], backends[6], ports[2], dict.fromkeys(backends[:4], 1))


def reloads(backends: list[str]) -> Iterator[dict[str, int]]:
    """What the file says each time: one more backend, other weights, one less, another one in its place."""
    app = dict.fromkeys(backends[:4], 1)
    for number in range(RELOADS):
        one, spare = backends[number % 4], backends[4 + number // 4 % 2]
        if number % 4 == 0:
            app = {**app, spare: 2}
        elif number % 4 == 1:
            app = {**app, one: 2 + number % 3}
        elif number % 4 == 2:
            app = {address: weight for address, weight in app.items() if address != one}
        else:
            app = dict.fromkeys(backends[:4], 1)
        yield app


class Traffic:
    """All clients, and what has failed of each kind."""

    def __init__(self, plan: Plan, *, lasting: bool) -> None:
        self.requests: list[Client] = [Opener(f"opener {n}", plan.web) for n in range(OPENERS)]
        self.requests += [Keeper(f"keeper {n}", plan.web) for n in range(KEEPERS)]
        self.lasting: list[Client] = []
        if lasting:
            self.lasting = [WebSocket("WebSocket", plan.web), Transfer("transfer", plan.stream)]

    @property
    def good(self) -> int:
        return sum(client.tally.good for client in self.requests)

    def failures(self) -> Counter[str]:
        return Counter(failure.what for client in self.requests for failure in client.tally.failures)

    def check_lasting(self) -> None:
        """Those that are to live through it all do."""
        for client in self.lasting:
            if client.error is not None or not client.is_alive():
                raise AssertionError(f"{client.name} ended after {client.tally.good} rounds") from client.error


def check_failures(traffic: Traffic, seen: Wrk, *, kills: int) -> None:
    """What a killed worker had in its hands is cut, and a client has one request at a time there."""
    failures = traffic.failures()
    assert set(failures) <= {CUT}
    assert failures[CUT] <= kills * len(traffic.requests)
    assert set(seen.errors) <= {"read"}
    assert seen.errors.get("read", 0) <= kills * WRK


def drain_each(operator: Operator) -> None:
    for address in operator.plan.app:
        operator.drain(address)
        operator.enable(address)


def test_reloads_and_drains_that_nobody_notices(backends: list[str], figures: Figures) -> None:
    """In one process."""
    module("websockets")
    plan = plan_of(backends, workers=1)
    with operated(plan) as operator:
        traffic = Traffic(plan, lasting=True)
        with going(*traffic.requests, *traffic.lasting), wrk(plan.web, WRK) as seen:
            for app in reloads(backends):
                operator.reload(app)
            drain_each(operator)
            traffic.check_lasting()
    assert not seen.errors
    assert not traffic.failures()
    figures(f"operate: {RELOADS} reloads and 4 drains, {seen.requests + traffic.good} requests, none failed")


def test_a_killed_worker_costs_what_it_had_in_its_hands(backends: list[str], figures: Figures) -> None:
    plan = plan_of(backends, workers=2)
    with operated(plan) as operator:
        traffic = Traffic(plan, lasting=False)
        with going(*traffic.requests), wrk(plan.web, WRK) as seen:
            operator.wait_work(*plan.app)
            took = [operator.kill(number) for number in operator.workers()]
        check_failures(traffic, seen, kills=len(took))
        figures(
            f"operate: SIGKILL of each of 2 workers, replaced within {', '.join(f'{t:.2f} s' for t in took)}; "
            f"cut in flight: {seen.errors.get('read', 0)} of wrk's {seen.requests} requests, "
            f"{traffic.failures()[CUT]} of {traffic.good} others"
        )

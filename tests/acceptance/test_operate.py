"""An operator at work while clients come and go: no request fails but those that a killed worker had in its hands."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.operating import LONG, Operator, Plan, operated
from tests.acceptance.traffic import CUT, Client, Keeper, Opener, Transfer, WebSocket, Wrk, going, wrk
from tests.clients.support import module
from tests.processes import free_port, is_alive, start_backend, wait_until

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

    def __init__(self, plan: Plan) -> None:
        self.requests: list[Client] = [Opener(f"opener {n}", plan.web) for n in range(OPENERS)]
        self.requests += [Keeper(f"keeper {n}", plan.web) for n in range(KEEPERS)]
        self.lasting: list[Client] = [WebSocket("WebSocket", plan.web), Transfer("transfer", plan.stream)]

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


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.soak), 2])
def test_an_operator_at_work(backends: list[str], workers: int, figures: Figures) -> None:
    """Reloads, drains and an upgrade; then SIGKILL to each worker of the new program, while the old one, which drains,
    still has the WebSocket and the transfer in its hands."""
    module("websockets")
    plan = plan_of(backends, workers)
    with operated(plan) as operator:
        traffic = Traffic(plan)
        with going(*traffic.requests, *traffic.lasting):
            with wrk(plan.web, WRK) as calm:
                for app in reloads(backends):
                    operator.reload(app)
                traffic.check_lasting()
                drain_each(operator)
                traffic.check_lasting()
                old = operator.upgrade()
                traffic.check_lasting()
            assert not calm.errors
            assert not traffic.failures()
            calmly = calm.requests + traffic.good
            with wrk(plan.web, WRK) as deadly:
                operator.wait_work(*plan.app)
                doomed = operator.workers() if workers > 1 else {}  # one process cannot be replaced
                took = [operator.kill(number) for number in doomed]
            traffic.check_lasting()
        check_failures(traffic, deadly, kills=len(took))
        wait_until(lambda: not is_alive(old), LONG)
        websocket, transfer = traffic.lasting
        figures(
            f"operate, {workers} workers: {RELOADS} reloads, 4 drains and an upgrade, {calmly} requests, none failed; "
            f"then SIGKILL of {len(took)} workers, replaced within {max(took, default=0):.2f} s, cut in flight: "
            f"{deadly.errors.get('read', 0)} of wrk's {deadly.requests} requests, {traffic.failures()[CUT]} of others; "
            f"a WebSocket of {websocket.tally.good} messages and a transfer of {transfer.tally.good} rounds lived on"
        )

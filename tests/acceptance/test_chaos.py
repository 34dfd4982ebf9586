"""Two minutes of an operator, dying workers and dying backends in random order. What is cut is what was in the hands of
a worker that was killed; whatever else happens, no request fails, and at its end all are back."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.operating import Operator, Plan, operated
from tests.acceptance.traffic import CUT, Keeper, Opener, going
from tests.processes import Backend, free_port, start_backend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Figures

pytestmark = [pytest.mark.slow, pytest.mark.soak]

SECONDS = 120.0
BACKENDS = 5
OPENERS, KEEPERS = 2, 4


class Chaos:
    """What can happen, one thing at a time. kills: workers that died."""

    def __init__(self, operator: Operator, addresses: list[str], rng: Random) -> None:
        self.kills = 0
        self.happened: Counter[str] = Counter()
        self._operator = operator
        self._rng = rng
        self._backends = {address: _started(address) for address in addresses}

    def happen(self) -> None:
        actions: list[Callable[[], None]] = [
            self._reload, self._drain, self._upgrade, self._kill_worker, self._stop_worker, self._kill_backend,
            self._stop_backend,
        ]  # fmt: skip
        action = self._rng.choice(actions)
        self.happened[action.__name__.strip("_").replace("_", " ")] += 1
        action()

    def _used(self) -> str:
        return self._rng.choice(list(self._operator.plan.app))

    def _reload(self) -> None:
        some = self._rng.sample(list(self._backends), self._rng.randint(2, BACKENDS))
        self._operator.reload({address: self._rng.randint(1, 4) for address in some})

    def _drain(self) -> None:
        address = self._used()
        self._operator.drain(address)
        self._operator.enable(address)

    def _kill_worker(self) -> None:
        self.kills += 1
        self._operator.kill(self._rng.choice(list(self._operator.workers())))

    def _stop_worker(self) -> None:
        """It hangs, which is seen after a while; who waits in its queue is served by the one in its place."""
        self.kills += 1
        self._operator.kill(self._rng.choice(list(self._operator.workers())), signal.SIGSTOP)

    def _kill_backend(self) -> None:
        """And another one in its place."""
        address = self._used()
        stack, backend = self._backends[address]
        backend.process.kill()
        backend.process.wait()
        stack.close()
        self._backends[address] = _started(address)
        self._operator.wait_work(address)

    def _stop_backend(self) -> None:
        address = self._used()
        pid = self._backends[address][1].process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            others = [other for other in self._operator.plan.app if other != address]
            self._operator.wait_work(*others)
        finally:
            os.kill(pid, signal.SIGCONT)
        self._operator.wait_work(address)

    def _upgrade(self) -> None:
        self._operator.upgrade()

    def close(self) -> None:
        for stack, _ in self._backends.values():
            stack.close()


def _started(address: str) -> tuple[ExitStack, Backend]:
    stack = ExitStack()
    return stack, stack.enter_context(start_backend("hello", listen=address))


@contextmanager
def chaos(rng: Random) -> Iterator[tuple[Chaos, Plan]]:
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(BACKENDS)]
    web, stream, admin = (f"127.0.0.1:{free_port()}" for _ in range(3))
    plan = Plan(2, web, stream, addresses[0], admin, dict.fromkeys(addresses, 1))
    with operated(plan) as operator:
        this = Chaos(operator, addresses, rng)
        try:
            yield this, plan
        finally:
            this.close()


def test_only_what_a_killed_worker_held_is_lost(figures: Figures) -> None:
    seed = int(time.time())
    with chaos(Random(seed)) as (this, plan):
        clients = [Opener(f"opener {n}", plan.web) for n in range(OPENERS)]
        clients += [Keeper(f"keeper {n}", plan.web) for n in range(KEEPERS)]
        end = time.monotonic() + SECONDS
        with going(*clients):
            while time.monotonic() < end:
                this.happen()
        failures = Counter(failure.what for client in clients for failure in client.tally.failures)
        good = sum(client.tally.good for client in clients)
        figures(f"chaos: seed {seed}, {dict(this.happened)}; {good} requests, failed: {dict(failures)}")
        assert set(failures) <= {CUT}, (seed, failures)
        assert failures[CUT] <= this.kills * len(clients)

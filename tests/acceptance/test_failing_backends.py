"""One of four backends dies, hangs, becomes slow or answers 500 under load: how long until it gets no more work, how
long until it is back, and that no client is told."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.operating import TOKEN, Operator, Plan
from tests.acceptance.traffic import Keeper, Opener, going
from tests.clients.support import started
from tests.processes import free_port, start_process, wait_listening, wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Figures

pytestmark = pytest.mark.slow

# Quicker than the defaults, so that the test is. What is repeated is what an operator with idempotent requests lists.
CONFIG = """
workers = 2
[frontends.web]
listen = "{web}"
pool = "app"
[pools.app]
backends = [{backends}]
retry_on = ["closed", "reset", "unhealthy", 500]
timeouts = {{ connect = "1s" }}
health_check = {{ path = "/", interval = "500ms", timeout = "300ms" }}
ejection = {{ first_time = "1s" }}
[admin]
listen = "{admin}"
token = "{token}"
"""


class Backend:
    """The one that fails. mood: the file that it obeys."""

    def __init__(self, mood: Path, address: str, stack: contextlib.ExitStack) -> None:
        self.mood = mood
        self.address = address
        self._stack = stack
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        self.set_mood("")
        args = (sys.executable, "-m", "tests.acceptance.moody", self.address, str(self.mood))
        process = self._stack.enter_context(start_process(args))
        wait_listening(self.address, process=process)
        return process

    def set_mood(self, mood: str) -> None:
        new = self.mood.with_suffix(".new")
        new.write_text(mood)
        new.rename(self.mood)

    def die(self) -> None:
        self.process.kill()
        self.process.wait()

    def live(self) -> None:
        self.process = self._start()

    def hang(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    directory = tmp_path_factory.mktemp("moods")
    with contextlib.ExitStack() as stack:
        yield [Backend(directory / str(n), f"127.0.0.1:{free_port()}", stack).address for n in range(3)]


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[Backend]:
    with contextlib.ExitStack() as stack:
        yield Backend(tmp_path / "mood", f"127.0.0.1:{free_port()}", stack)


class Timed(Keeper):
    """worst: seconds of the request that took longest."""

    worst = 0.0

    def once(self) -> None:
        began = time.monotonic()
        super().once()
        self.worst = max(self.worst, time.monotonic() - began - self.PAUSE)


FAULTS: dict[str, tuple[Callable[[Backend], None], Callable[[Backend], None]]] = {
    "killed": (Backend.die, Backend.live),
    "hung (SIGSTOP)": (Backend.hang, Backend.go_on),
    "slow (2 s an answer)": (lambda b: b.set_mood("2.0"), lambda b: b.set_mood("")),
    "answering 500": (lambda b: b.set_mood("500"), lambda b: b.set_mood("")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_backend_leaves_and_comes_back_and_no_client_is_told(
    fault: str, failing: Backend, others: list[str], figures: Figures
) -> None:
    begin, end = FAULTS[fault]
    addresses = [failing.address, *others]
    plan = Plan(2, f"127.0.0.1:{free_port()}", "", "", f"127.0.0.1:{free_port()}", dict.fromkeys(addresses, 1))
    config = CONFIG.format(
        web=plan.web, admin=plan.admin, token=TOKEN, backends=", ".join(f'"{address}"' for address in addresses)
    )
    with started(config) as rproxy:
        operator = Operator(rproxy, plan)
        keepers = [Timed(f"keeper {n}", plan.web) for n in range(8)]
        clients = [*keepers, Opener("opener", plan.web)]
        with going(*clients):
            operator.wait_work(*addresses)
            began = time.time()
            begin(failing)
            out = wait_event(operator, failing.address, " is unhealthy", " is ejected") - began
            wait_until(lambda: operator.is_left_alone(failing.address))
            began = time.time()
            end(failing)
            wait_until(lambda: operator.backends()[failing.address]["state"] == "ready")
            back = wait_event(operator, failing.address, " is healthy", " is back") - began
            operator.wait_work(failing.address)
            good = sum(client.tally.good for client in clients)
        failures = [failure for client in clients for failure in client.tally.failures]
        why = [event["text"] for event in operator.statistics()["events"]]
    worst = max(keeper.worst for keeper in keepers)
    figures(
        f"one of 4 backends {fault}, probed every 0.5 s: no more work after {out:.2f} s, back after {back:.2f} s; "
        f"{good} requests, {len(failures)} failed, the slowest {worst:.2f} s"
    )
    assert not failures, (failures[:5], why)


def wait_event(operator: Operator, address: str, *ends: str) -> float:
    """When it happened last, of the wall clock."""
    found: list[float] = []

    def has_come() -> bool:
        found[:] = [
            event["at"]
            for event in operator.statistics()["events"]
            if any(f"backend {address}{end}" in event["text"] for end in ends)
        ]
        return bool(found)

    wait_until(has_come)
    return found[-1]

"""rproxy with two workers as an operator has it: signals to one process or to all of them, and what is left."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients.support import Rproxy, descendants, started
from tests.processes import connect, is_alive, read_all, request, start_backend, wait_until

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

CONFIG = """
workers = 2
worker_timeout = "2s"
[frontends.web]
listen = "127.0.0.1:0"
pool = "app"
access_log = {{ to = "{log}", format = "json" }}
[pools.app]
backends = ["{backend}"]
"""
CLIENTS = 8


@pytest.fixture
def access_log(tmp_path: Path) -> Path:
    return tmp_path / "access.log"


@pytest.fixture
def rproxy(access_log: Path) -> Iterator[Rproxy]:
    """Two workers."""
    with (
        start_backend("hello") as backend,
        started(CONFIG.format(backend=backend.address, log=access_log)) as rproxy,
    ):
        yield rproxy


@contextmanager
def slow_requests(rproxy: Rproxy) -> Iterator[list[int]]:
    """Requests that take a while are on their way; their statuses are there when the block has ended, 0 for none."""
    statuses: list[int] = []
    socks = [connect(rproxy.address) for _ in range(CLIENTS)]
    for sock in socks:
        sock.sendall(b"GET /?delay=1.5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = [clients.submit(status_of_answer, sock) for sock in socks]
        yield statuses
        statuses += [answer.result() for answer in answers]


def status_of_answer(sock: socket.socket) -> int:
    with sock:
        try:
            return int(read_all(sock)[9:12] or 0)
        except OSError:
            return 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_is_one_to_the_supervisor(rproxy: Rproxy, access_log: Path, number: int) -> None:
    """A terminal's Ctrl-C reaches the whole group, and systemd's KillMode=control-group every process."""
    family = descendants(rproxy.process.pid)
    with slow_requests(rproxy) as statuses:
        os.killpg(rproxy.process.pid, number)
        assert rproxy.process.wait(20) == 0
    assert statuses == [200] * CLIENTS
    wait_until(lambda: not any(map(is_alive, family)))
    assert [json.loads(line)["status"] for line in access_log.read_text().splitlines()] == statuses
    assert "Traceback" not in rproxy.log
    assert "died" not in rproxy.log


def test_a_second_signal_cuts(rproxy: Rproxy) -> None:
    with slow_requests(rproxy) as statuses:
        rproxy.signal()
        wait_until(lambda: rproxy.log.count("SIGTERM") == 1)
        rproxy.signal()
        assert rproxy.process.wait(10) == 0
    assert statuses == [0] * CLIENTS
    assert "Traceback" not in rproxy.log


def test_nobody_outlives_a_killed_supervisor_for_long(rproxy: Rproxy) -> None:
    """What runs is finished all the same."""
    family = descendants(rproxy.process.pid)
    with slow_requests(rproxy) as statuses:
        rproxy.signal(signal.SIGKILL)
    assert statuses == [200] * CLIENTS
    wait_until(lambda: not any(map(is_alive, family)))
    assert rproxy.log.count("the supervisor is gone") == 2


@pytest.mark.soak
def test_a_worker_that_hangs_does_not_outlive_it_either(rproxy: Rproxy) -> None:
    family = descendants(rproxy.process.pid)
    worker = next(pid for pid in family if Path(f"/proc/{pid}/comm").read_text().startswith("rproxy worker"))
    os.kill(worker, signal.SIGSTOP)
    rproxy.signal(signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, family)), 20)


def test_whoever_is_stopped_with_all_the_others_is_not_taken_for_hung(rproxy: Rproxy) -> None:
    """Ctrl-Z stops all processes, and `fg` lets them go on; so does a paused container."""
    family = {rproxy.process.pid, *descendants(rproxy.process.pid)}
    os.killpg(rproxy.process.pid, signal.SIGSTOP)
    wait_until(lambda: all(state_of(pid) == "T" for pid in family))
    time.sleep(2.5)  # longer than worker_timeout
    os.killpg(rproxy.process.pid, signal.SIGCONT)
    for _ in range(10):
        assert request(rproxy.address).status == 200
    rproxy.end()
    assert "died" not in rproxy.log


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

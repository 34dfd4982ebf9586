"""No descriptors left, and thousands of idle connections: rproxy as a process of its own bears both, and recovers."""

from __future__ import annotations

import re
import resource
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients.support import Rproxy, running
from tests.processes import connect, start_backend, wait_until

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from tests.conftest import Figures

pytestmark = pytest.mark.slow

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
IDLE, SOAK_IDLE = 2_000, 10_000
SAMPLES = 1_000
CONFIG = """
[frontends.web]
listen = "127.0.0.1:0"
pool = "app"
limits = {{ connections = 20000, connections_per_client = 0 }}
timeouts = {{ keep_alive = "10m", request_head = "10m" }}

[pools.app]
backends = ["{address}"]
"""


@contextmanager
def serving() -> Iterator[Rproxy]:
    with start_backend("hello") as backend, running(CONFIG.format(address=backend.address)) as rproxy:
        yield rproxy


def answer(sock: socket.socket) -> int:
    """The status; 0 when there is none."""
    try:
        sock.sendall(GET)
        data = sock.recv(65536)
    except OSError:
        return 0
    return int(data[9:12]) if data else 0


def test_descriptors_run_out_and_come_back(figures: Figures) -> None:
    with serving() as rproxy:
        assert ask(rproxy) == 200
        pid = rproxy.process.pid
        used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 20, before[1]))
        with ExitStack() as stack:
            socks = [stack.enter_context(connect(rproxy.address, 0.5)) for _ in range(60)]
            for sock in socks:
                sock.sendall(GET)
            wait_until(lambda: len(list(Path(f"/proc/{pid}/fd").iterdir())) >= used + 18)
        start = time.monotonic()
        wait_until(lambda: ask(rproxy) == 200)
        figures(
            f"descriptors of rproxy ran out ({len(socks)} clients, room for 20): 200 again"
            f" {(time.monotonic() - start) * 1000:.0f} ms after they had left"
        )


def ask(rproxy: Rproxy) -> int:
    try:
        with connect(rproxy.address, 2.0) as sock:
            return answer(sock)
    except OSError:
        return 0


def resident(pid: int) -> int:
    found = re.search(r"^Rss: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


@contextmanager
def descriptors(wanted: int) -> Iterator[int]:
    """As many as this process may have, for a while; children have them too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        yield most
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_idle_connections_cost_little_and_hold_nobody_up(figures: Figures, soaking: bool) -> None:
    wanted = SOAK_IDLE if soaking else IDLE
    with descriptors(wanted + 500) as most, serving() as rproxy, ExitStack() as stack:
        count = min(wanted, most - 500)
        alone = latencies(rproxy)
        before = resident(rproxy.process.pid)
        for _ in range(count):
            sock = stack.enter_context(connect(rproxy.address))
            assert answer(sock) == 200
        each = (resident(rproxy.process.pid) - before) / count
        crowded = latencies(rproxy)
        figures(
            f"{count} idle connections: {each / 1024:.2f} KiB each; others' p99 {p99(crowded):.2f} ms,"
            f" without them {p99(alone):.2f} ms"
        )
        assert each < 8 * 1024


def latencies(rproxy: Rproxy) -> list[float]:
    """Of requests on one connection, in ms."""
    times = []
    with connect(rproxy.address) as sock:
        for _ in range(SAMPLES):
            start = time.perf_counter()
            assert answer(sock) == 200
            times.append((time.perf_counter() - start) * 1000)
    return times


def p99(times: list[float]) -> float:
    return sorted(times)[len(times) * 99 // 100]

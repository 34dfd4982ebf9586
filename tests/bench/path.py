"""What a record and its count cost on the path of a request, without a network and beside whatever else runs.

    python -m tests.bench.path [--rounds 3000]

The engine's own reactor, frontend and pool, with pairs of sockets in place of clients and backends. Per round 32
clients send a request, a batch reads them and sends them on, the backends answer, a batch sends that back; only the
batches are timed, with the kernel's part, which is the same in both. Each kind has processes of its own, which take
turns: in one process the classes of both would pass the same bytecode, and its caches would fit neither (1.5 us more).
Of each process the tenth percentile of the rounds counts, and of these the median.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import subprocess
import sys
import time
from random import Random

import trio

from proxy.core.client.peer import Peer
from proxy.core.config import parse_config
from proxy.core.metrics.tally import Tally
from proxy.engine.backend import LiveBackend
from proxy.engine.frontend import Frontend
from proxy.engine.live_pool import LivePool
from proxy.engine.reactor import Reactor
from proxy.engine.timers import Wheel
from proxy.serve.machine.tuning import tune_garbage_collection
from tests.bench.tls import FIELDS

CLIENTS = 32
TURNS = 5
KINDS = ("plain", "metrics")
CONFIG = """
[frontends.web]
listen = "127.0.0.1:0"
pool = "app"
limits = { requests_per_connection = 0 }
[pools.app]
backends = ["unix:@nobody"]
"""
REQUEST = (
    "GET /a/path?with=query HTTP/1.1\r\nHost: example.com\r\n"
    + "".join(f"{name}: {value}\r\n" for name, value in FIELDS.items())
    + "\r\n"
).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 64\r\n\r\n" + b"x" * 64


class PairedBackend(LiveBackend):
    """ends: of the connections made to it, where the answers come from."""

    __slots__ = ("ends",)

    def __init__(self) -> None:
        super().__init__(parse_config(CONFIG, "").pools["app"].backends[0].address)
        self.ends: list[socket.socket] = []

    def dial(self, greeting: bytes = b"") -> socket.socket:
        own, other = socket.socketpair()
        own.setblocking(False)
        self.ends.append(other)
        return own


class Rig:
    def __init__(self, *, is_measured: bool) -> None:
        config = parse_config(CONFIG, "")
        self.reactor = Reactor()
        self.backend = PairedBackend()
        pool = LivePool(config.pools["app"], [self.backend], Random(), self.reactor, lambda *_: None)
        self.tally = Tally() if is_measured else None
        wheel = Wheel(self.reactor, 1.0)
        self.frontend = Frontend(config.frontends["web"], {"app": pool}, self.reactor, wheel, tally=self.tally)
        self.clients = [self._connect() for _ in range(CLIENTS)]
        self._batch()
        self.round()  # connects to the backend

    def _connect(self) -> socket.socket:
        own, other = socket.socketpair()
        own.setblocking(False)
        self.frontend.new_session(own, Peer("192.0.2.1", 1024))
        return other

    def round(self) -> float:
        """Microseconds per request."""
        for client in self.clients:
            client.send(REQUEST)
        took = self._batch()
        for end in self.backend.ends:
            assert end.recv(65536)
            end.send(ANSWER)
        took += self._batch()
        for client in self.clients:
            assert client.recv(65536).endswith(ANSWER[-64:])
        return took / CLIENTS * 1e6

    def _batch(self) -> float:
        start = time.perf_counter()
        self.reactor._run_batch()
        return time.perf_counter() - start


async def measure(kind: str, rounds: int) -> float:
    """The tenth percentile of its rounds."""
    rig = Rig(is_measured=kind == "metrics")
    tune_garbage_collection()
    took = [rig.round() for _ in range(rounds)]
    if rig.tally is not None:
        counted = sum(ended.count for ended in rig.tally.take().ended)
        assert counted > CLIENTS * (rounds - 4), "not all were counted"
    return statistics.quantiles(took, n=10)[0]


def measure_elsewhere(kind: str, rounds: int) -> float:
    command = [sys.executable, "-m", "tests.bench.path", "--kind", kind, "--rounds", str(rounds)]
    return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3000)
    parser.add_argument("--kind", choices=KINDS, help="this one only, in this process")
    arguments = parser.parse_args()
    if arguments.kind is not None:
        print(trio.run(measure, arguments.kind, arguments.rounds))
        return
    turns = [[measure_elsewhere(kind, arguments.rounds) for kind in KINDS] for _ in range(TURNS)]
    for kind, found in zip(KINDS, zip(*turns, strict=True), strict=True):
        print(f"{kind:8} {statistics.median(found):6.2f} us, from {min(found):.2f} to {max(found):.2f}")


if __name__ == "__main__":
    main()

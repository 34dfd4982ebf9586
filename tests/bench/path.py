"""What a record, its count and its line cost on the path of a request, without a network and beside whatever else runs.

    python -m tests.bench.path [--rounds 3000] [--only plain,new,new-both]

The engine's own reactor, frontend and pool, with pairs of sockets in place of clients and backends. Per round 32
clients send a request, a batch reads them and sends them on, the backends answer, a batch sends that back; only the
batches are timed, with the kernel's part, which is the same in all, and where there is a log with its lines: they are
made and go to /dev/null. `new`: no request comes twice, its target and one field differ from all others.
Each kind has processes of its own, which take turns: in one process the classes of both would pass the same bytecode,
and its caches would fit neither (1.5 us more). Rounds are taken by fours, so that each has its share of counts and
lines. Of each process the tenth percentile of the fours counts, and of these the median.
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
from proxy.serve.logs.access_log import LogWriter
from proxy.serve.machine.tuning import tune_garbage_collection
from tests.bench.tls import FIELDS

CLIENTS = 32
TURNS = 5
TOGETHER = 4  # rounds
RECORDS = ("plain", "metrics", "both")  # both: and an access log
KINDS = (*RECORDS, *(f"new-{kind}" for kind in RECORDS))
LOG = '[frontends.web.access_log]\nto = "/dev/null"\n'
CONFIG = """
[frontends.web]
listen = "127.0.0.1:0"
pool = "app"
limits = { requests_per_connection = 0 }
[pools.app]
backends = ["unix:@nobody"]
"""
REQUEST = (
    "GET /item/{0}?q={1} HTTP/1.1\r\nHost: example.com\r\nX-Request-Id: {0}\r\n"
    + "".join(f"{name}: {value}\r\n" for name, value in FIELDS.items())
    + "\r\n"
)
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
    def __init__(self, kind: str) -> None:
        """kind: of `KINDS`."""
        config = parse_config(CONFIG + (LOG if "both" in kind else ""), "")
        self.reactor = Reactor()
        self.backend = PairedBackend()
        pool = LivePool(config.pools["app"], [self.backend], Random(), self.reactor, lambda *_: None)
        self.tally = None if "plain" in kind else Tally()
        wheel = Wheel(self.reactor, 1.0)
        self.frontend = Frontend(config.frontends["web"], {"app": pool}, self.reactor, wheel, tally=self.tally)
        settings, records = self.frontend.config.access_log, self.frontend.records
        self.log = LogWriter(self.frontend, settings, records) if settings is not None and records is not None else None
        self.clients = [self._connect() for _ in range(CLIENTS)]
        self.is_new = "new" in kind
        self.sent = 0
        self._batch()
        self.round()  # connects to the backend

    def _connect(self) -> socket.socket:
        own, other = socket.socketpair()
        own.setblocking(False)
        self.frontend.new_session(own, Peer("192.0.2.1", 1024))
        return other

    def rounds(self, count: int) -> float:
        """Microseconds per request."""
        return sum(self.round() for _ in range(count)) / count

    def round(self) -> float:
        for client in self.clients:
            self.sent += self.is_new
            client.send(REQUEST.format(self.sent, self.sent * 7).encode())
        took = self._batch()
        for end in self.backend.ends:
            assert end.recv(65536)
            end.send(ANSWER)
        took += self._batch() + self._write()
        for client in self.clients:
            assert client.recv(65536).endswith(ANSWER[-64:])
        return took / CLIENTS * 1e6

    def _batch(self) -> float:
        start = time.perf_counter()
        self.reactor._run_batch()
        return time.perf_counter() - start

    def _write(self) -> float:
        """Whatever lines there are."""
        log = self.log
        if log is None or not log._lines:
            return 0.0
        start = time.perf_counter()
        lines, log._lines, log._waiting = log._lines, [], 0
        log._destination.write(lines)
        return time.perf_counter() - start

    def close(self, rounds: int) -> None:
        if self.log is not None:
            self.log.discard()
        if self.tally is not None:
            assert self.frontend.records is not None
            self.frontend.records.flush()
            counted = sum(ended.count for ended in self.tally.take().ended)
            assert counted > CLIENTS * (rounds - 4), "not all were counted"


async def measure(kind: str, rounds: int) -> float:
    """The tenth percentile, in microseconds per request."""
    rig = Rig(kind)
    tune_garbage_collection()
    took = [rig.rounds(TOGETHER) for _ in range(rounds // TOGETHER)]
    rig.close(rounds)
    return statistics.quantiles(took, n=10)[0]


def measure_elsewhere(kind: str, rounds: int) -> float:
    command = [sys.executable, "-m", "tests.bench.path", "--kind", kind, "--rounds", str(rounds)]
    return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3000)
    parser.add_argument("--only", default=",".join(KINDS))
    parser.add_argument("--kind", choices=KINDS, help="this one only, in this process")
    arguments = parser.parse_args()
    if arguments.kind is not None:
        print(trio.run(measure, arguments.kind, arguments.rounds))
        return
    kinds = arguments.only.split(",")
    turns = [[measure_elsewhere(kind, arguments.rounds) for kind in kinds] for _ in range(TURNS)]
    for kind, found in zip(kinds, zip(*turns, strict=True), strict=True):
        print(f"{kind:12} {statistics.median(found):6.2f} us, from {min(found):.2f} to {max(found):.2f}")


if __name__ == "__main__":
    main()

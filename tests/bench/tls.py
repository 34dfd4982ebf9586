"""TLS in rproxy beside nginx and HAProxy: the same certificate, ciphers, client, backend and minute.

    make bench-tls                                             or:
    python -m tests.bench.tls [--only small,page,…] [--seconds 2] [--rounds 3] [--peers nginx,haproxy]

Each proxy has one worker, on CPU 1; client and backend run on CPU 0. Rounds are interleaved, so that a slow minute hits
everyone. Per kind of work and proxy it prints the median of requests (or handshakes) per second and of the CPU time of
each, and for rproxy the ratios to the better of nginx and HAProxy: of CPU, where below 1 is better and which is the
steadier one, and of the rate, where above 1 is. Needs nginx, haproxy, wrk, openssl and two CPUs.

    small       keep-alive GET with ten fields over TLS, 64 bytes back      page        the same, 64 KiB back
    upstream    the same without TLS, but with TLS to the backend           close       a connection for every request
    full        handshakes and a request each, TLS 1.3                      resumed     the same from earlier sessions
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.bench.peers import OTHERS_CPU, PORTS, cpu_seconds, serving, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.bench.peers import Peers

FIELDS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br",
    "Cookie": "session=0123456789abcdef0123456789abcdef; theme=dark",
    "Referer": "https://example.com/a/page?with=query",
    "Cache-Control": "no-cache",
    "Upgrade-Insecure-Requests": "1",
    "Sec-Fetch-Dest": "document",
}
CONNECTIONS = 64
CLIENTS = 3  # of openssl at a time, which makes one handshake after another


class Round(NamedTuple):
    """count: of requests or handshakes."""

    count: int
    rate: float
    errors: int


class Figures(NamedTuple):
    rate: float
    user: float
    kernel: float
    errors: int

    @property
    def cpu(self) -> float:
        return self.user + self.kernel


def wrk(peers: Peers, name: str, seconds: int, *, path: str = "/", plain: bool = False, close: bool = False) -> Round:
    fields = {**FIELDS, **({"Connection": "close"} if close else {})}
    script = peers.directory / "fields.lua"
    script.write_text("".join(f"wrk.headers[{json.dumps(k)}]={json.dumps(v)}\n" for k, v in fields.items()))
    url = f"{'http' if plain else 'https'}://127.0.0.1:{PORTS[name][plain]}{path}"
    said = on_other_cpu("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), url)
    errors = [int(number) for line in re.findall("Socket errors: (.*)|Non-2xx.*: (.*)", said) for number in
              re.findall(r"\d+", " ".join(line))]  # fmt: skip
    return Round(number(r"(\d+) requests in", said), number(r"Requests/sec: +([\d.]+)", said), sum(errors))


def handshakes(peers: Peers, name: str, seconds: int, *, mode: str) -> Round:
    """`openssl s_time`: connect, handshake, one request, read to the end. It prints `*` or `r` for each."""
    command = [
        *("taskset", "-c", str(OTHERS_CPU), "openssl", "s_time", "-connect", f"127.0.0.1:{PORTS[name][0]}"),
        *("-tls1_3", "-www", "/", "-time", str(seconds), mode),
    ]
    start = time.monotonic()
    clients = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(CLIENTS)]
    said = [client.communicate()[0].decode() for client in clients]
    count = sum(int(number(r"(\d+) connections in \d+ real seconds", text)) for text in said)
    wrong = sum(text.count("*" if mode == "-reuse" else "r") for text in map(marks, said))
    return Round(count, count / (time.monotonic() - start), wrong)


def marks(said: str) -> str:
    """The lines of `*` and `r`."""
    return "".join(line for line in said.splitlines() if set(line) <= set("*rt"))


WORK: dict[str, Callable[[Peers, str, int], Round]] = {
    "small": wrk,
    "page": lambda peers, name, seconds: wrk(peers, name, seconds, path="/64k"),
    "upstream": lambda peers, name, seconds: wrk(peers, name, seconds, plain=True),
    "close": lambda peers, name, seconds: wrk(peers, name, seconds, close=True),
    "full": lambda peers, name, seconds: handshakes(peers, name, seconds, mode="-new"),
    "resumed": lambda peers, name, seconds: handshakes(peers, name, seconds, mode="-reuse"),
}


def on_other_cpu(*command: str) -> str:
    result = subprocess.run(["taskset", "-c", str(OTHERS_CPU), *command], capture_output=True, text=True, timeout=120)
    if result.returncode:
        sys.exit(f"{command[0]}: {result.stdout[-500:]} {result.stderr[-500:]}")
    return result.stdout


def number(pattern: str, text: str) -> float:
    """The first group."""
    match = re.search(pattern, text)
    if match is None:
        sys.exit(f"no {pattern} in what was said: {text[-500:]}")
    return float(match[1])


def measured(peers: Peers, name: str, work: str, seconds: int) -> Figures:
    settle()
    before = cpu_seconds(peers.pids[name])
    done = WORK[work](peers, name, seconds)
    user, kernel = (b - a for a, b in zip(before, cpu_seconds(peers.pids[name]), strict=True))
    count = max(done.count, 1)
    return Figures(done.rate, user / count * 1e6, kernel / count * 1e6, done.errors)


def median(rounds: Sequence[Figures]) -> Figures:
    rate, user, kernel, _ = (statistics.median(values) for values in zip(*rounds, strict=True))
    return Figures(rate, user, kernel, sum(figures.errors for figures in rounds))


def compare(peers: Peers, work: str, names: Sequence[str], seconds: int, rounds: int) -> Iterator[str]:
    """A line per proxy."""
    for name in names:
        measured(peers, name, work, 1)
    found: dict[str, list[Figures]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            found[name].append(measured(peers, name, work, seconds))
    medians = {name: median(figures) for name, figures in found.items()}
    others = [figures for name, figures in medians.items() if name != "rproxy"]
    for name, figures in medians.items():
        line = f"{work:9} {name:8} {figures.rate:8.0f}/s  user {figures.user:7.1f}  kernel {figures.kernel:7.1f} us"
        if figures.errors:
            line += f"  ERRORS {figures.errors}"
        if name == "rproxy" and others:
            cpu, rate = min(other.cpu for other in others), max(other.rate for other in others)
            line += f"  cpu x{figures.cpu / cpu:.2f}  rate x{figures.rate / rate:.2f} of the better peer"
        yield line


def cipher_of(port: int) -> str:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain) as tls:
        name, version, _ = tls.cipher() or ("", "", 0)
        return f"{version} {name}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(WORK))
    parser.add_argument("--peers", default="nginx,haproxy")
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    names = ["rproxy", *filter(None, arguments.peers.split(","))]
    with tempfile.TemporaryDirectory(prefix="bench-") as directory, serving(Path(directory), names) as peers:
        ciphers = {name: cipher_of(PORTS[name][0]) for name in names}
        print(f"TLS: {', '.join(f'{name} {cipher}' for name, cipher in ciphers.items())}", flush=True)
        if len(set(ciphers.values())) > 1:
            sys.exit("they do not agree on one cipher: nothing can be compared")
        for work in arguments.only.split(","):
            for line in compare(peers, work, names, arguments.seconds, arguments.rounds):
                print(line, flush=True)


if __name__ == "__main__":
    main()

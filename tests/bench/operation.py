"""What metrics and access log cost: CPU of rproxy per small keep-alive request, with and without each, in one run.

    python -m tests.bench.operation [--seconds 2] [--rounds 5] [--only plain,metrics,log,both]

Four rproxies with one worker each run on CPU 1, one at a time under load; wrk and the backend, an nginx, on CPU 0.
Rounds are interleaved. Per kind it prints the median of requests per second and of the CPU time of a request, what is
more than that of `plain`, and the same of the round that took the least, which is the better one beside other work.
Needs nginx, wrk and two CPUs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.bench.peers import OTHERS_CPU, PROXY_CPU, cpu_seconds, settle
from tests.bench.tls import FIELDS, number, on_other_cpu
from tests.clients.support import PATH, RPROXY
from tests.processes import ROOT, end_group, free_port, wait_listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CONNECTIONS = 64
LOG = '[frontends.web.access_log]\nto = "{directory}/{kind}.log"\n'
ADMIN = '[admin]\nlisten = "unix:{directory}/{kind}.sock"\n'
KINDS = {"plain": "", "metrics": ADMIN, "log": LOG, "both": LOG + ADMIN}
_CONFIG = """\
[frontends.web]
listen = "127.0.0.1:{port}"
pool = "app"
[frontends.web.limits]
requests_per_connection = 0
[pools.app]
backends = ["127.0.0.1:{backend}"]
"""
_BACKEND = """
daemon off; worker_processes 1; pid {directory}/backend.pid; error_log {directory}/backend.err;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000; server {{ listen 127.0.0.1:{backend} backlog=4096;
 location / {{ return 200 "{small}"; }} }} }}
"""


class Running(NamedTuple):
    pid: int
    port: int


class Figures(NamedTuple):
    """user, kernel: us per request."""

    rate: float
    user: float
    kernel: float


@contextmanager
def started(cpu: int, command: Sequence[str], port: int) -> Iterator[Running]:
    process = subprocess.Popen(
        ["taskset", "-c", str(cpu), *command], cwd=ROOT, env={**os.environ, "PATH": PATH}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_listening(f"127.0.0.1:{port}", process=process)
        yield Running(process.pid, port)
    finally:
        end_group(process)


@contextmanager
def serving(directory: Path, kinds: Sequence[str]) -> Iterator[dict[str, Running]]:
    backend = free_port()
    known = {"directory": directory, "backend": backend, "small": "x" * 64}
    (directory / "backend.conf").write_text(_BACKEND.format(**known))
    with ExitStack() as stack:
        stack.enter_context(started(OTHERS_CPU, ("nginx", "-c", f"{directory}/backend.conf"), backend))
        found = {}
        for kind in kinds:
            port, file = free_port(), directory / f"{kind}.toml"
            file.write_text((_CONFIG + KINDS[kind]).format(**known, port=port, kind=kind))
            found[kind] = stack.enter_context(started(PROXY_CPU, (*RPROXY, "--config", str(file)), port))
        yield found


def measured(running: Running, directory: Path, seconds: int) -> Figures:
    script = directory / "fields.lua"
    script.write_text("".join(f"wrk.headers[{json.dumps(k)}]={json.dumps(v)}\n" for k, v in FIELDS.items()))
    settle()
    before = cpu_seconds(running.pid)
    said = on_other_cpu(
        "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{running.port}/"
    )
    user, kernel = (b - a for a, b in zip(before, cpu_seconds(running.pid), strict=True))
    if re.search("Socket errors|Non-2xx", said):
        sys.exit(said)
    count = number(r"(\d+) requests in", said)
    return Figures(number(r"Requests/sec: +([\d.]+)", said), user / count * 1e6, kernel / count * 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join(KINDS))
    arguments = parser.parse_args()
    kinds = arguments.only.split(",")
    with tempfile.TemporaryDirectory(prefix="bench-") as name, serving(Path(name), kinds) as running:
        rounds: dict[str, list[Figures]] = {kind: [] for kind in kinds}
        for kind in kinds:
            measured(running[kind], Path(name), 1)
        for _ in range(arguments.rounds):
            for kind in kinds:
                rounds[kind].append(measured(running[kind], Path(name), arguments.seconds))
    plain = rounds.get("plain")
    for kind, found in rounds.items():
        print(line(kind, found, plain if kind != "plain" else None), flush=True)


def line(kind: str, found: Sequence[Figures], plain: Sequence[Figures] | None) -> str:
    text = f"{kind:8} {statistics.median(each.rate for each in found):8.0f}/s"
    for name, choose in (("median", statistics.median), ("least", min)):
        user, kernel = choose(each.user for each in found), choose(each.kernel for each in found)
        text += f"  {name}: user {user:.2f}, kernel {kernel:.2f} us"
        if plain is not None:
            more = user - choose(each.user for each in plain), kernel - choose(each.kernel for each in plain)
            text += f" ({more[0]:+.2f}, {more[1]:+.2f})"
    return text


if __name__ == "__main__":
    main()

"""slowhttptest in its four modes, against rproxy before nginx: clients from elsewhere go on as if there were no attack.

The attackers have one address and the others another. They come with more connections than the frontend, or one client,
may have; for CI they are few, and what takes 30 s by default takes one.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients.servers import nginx
from tests.clients.support import PATH, Rproxy, program, running, short_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Figures

pytestmark = pytest.mark.slow

SECONDS = 3
ELSEWHERE = "127.0.0.2"
FILES = """
    server {{
        listen unix:{directory}/nginx.sock;
        root {directory}/files;
    }}
"""
CONFIG = """
    [frontends.full]                     # the attackers fill it
    listen = "127.0.0.1:0"
    pool = "files"
    limits = {{ connections = 200, connections_per_client = 0 }}

    [frontends.web]                      # they have all that one client may have
    listen = "127.0.0.1:0"
    pool = "files"
    limits = {{ connections = 400, connections_per_client = 200 }}
    timeouts = {{ request_body = "1s", send = "1s" }}

    [[frontends.web.routes]]
    path = "/whole"                      # nginx refuses a POST at once, this one reads it to its end
    pool = "hello"

    [pools.files]
    backends = ["unix:{directory}/nginx.sock"]

    [[pools.hello.backends]]
    address = "unix:{directory}/hello.sock"
    command = "python -m backends.hello --listen {{address}}"
"""
MODES = {
    "headers": ("full", ("-H", "-i", "1", "-x", "24"), "/small"),
    "body": ("web", ("-B", "-i", "1", "-s", "8192", "-x", "10"), "/whole"),
    "range": ("web", ("-R", "-t", "GET", "-a", "10", "-b", "1500"), "/large"),
    "read": ("web", ("-X", "-w", "512", "-y", "1024", "-n", "1", "-z", "32", "-k", "3"), "/large"),
}
# How attackers end within these seconds, in the words of the log. A range attack is a request like others to us.
ENDS = {
    "headers": "crowded-out",
    "body": "request-body-too-slow",
    "range": "",
    "read": "client-(takes-nothing|too-slow)",
}


@pytest.fixture(scope="module")
def before_nginx() -> Iterator[Rproxy]:
    with short_directory() as directory:
        (directory / "files").mkdir()
        (directory / "files" / "small").write_text("hello\n")
        (directory / "files" / "large").write_bytes(b"x" * (8 << 20))
        directory.chmod(0o755)  # nginx, started by root, reads as another user
        with (
            nginx(directory, f"unix:{directory}/nginx.sock", FILES.format(directory=directory)),
            running(CONFIG.format(directory=directory)) as rproxy,
        ):
            yield rproxy


@dataclass
class Steady:
    """A client that asks a hundred times a second, by turns on a connection that it keeps and on a new one."""

    address: str
    times: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def run(self, is_over: threading.Event) -> None:
        kept = self.connect()
        while not is_over.wait(0.005):
            for sock in (kept, None):
                began = time.monotonic()
                try:
                    self.ask(sock)
                except OSError as error:
                    self.errors.append(repr(error))
                    kept = self.connect()
                self.times.append(time.monotonic() - began)
        kept.close()

    def connect(self) -> socket.socket:
        host, _, port = self.address.rpartition(":")
        return socket.create_connection((host, int(port)), 5, (ELSEWHERE, 0))

    def ask(self, kept: socket.socket | None) -> None:
        sock = kept or self.connect()
        sock.sendall(b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        while not answer.endswith(b"\r\n\r\nhello\n"):
            data = sock.recv(4096)
            if not data:
                raise OSError(f"ended behind {answer[:200]!r}")
            answer += data
        if not kept:
            sock.close()
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise OSError(f"{answer[:200]!r}")

    def summary(self) -> str:
        """p50 and p99 in ms."""
        times = sorted(self.times)
        p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
        return f"{len(times)} requests, {len(self.errors)} errors, p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms"


def measured(address: str, *attack: str) -> tuple[Steady, str]:
    """The steady client while the attack lasts, or for a second; and what the attacker said."""
    steady, is_over = Steady(address), threading.Event()
    thread = threading.Thread(target=steady.run, args=(is_over,))
    thread.start()
    try:
        if not attack:
            is_over.wait(1.0)
            return steady, ""
        environment = {**os.environ, "PATH": PATH}
        result = subprocess.run(attack, capture_output=True, timeout=30, env=environment, stdin=subprocess.DEVNULL)
        return steady, re.sub(r"\x1b\[[0-9;]*m", "", result.stdout.decode(errors="replace"))
    finally:
        is_over.set()
        thread.join()


def memory(rproxy: Rproxy) -> float:
    """Resident, in MiB."""
    status = Path(f"/proc/{rproxy.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@pytest.mark.parametrize("mode", MODES)
def test_others_are_unharmed(before_nginx: Rproxy, mode: str, figures: Figures) -> None:
    tool = program("slowhttptest")
    frontend, options, path = MODES[mode]
    address = before_nginx.addresses[frontend][0]
    calm, _ = measured(address)
    before = memory(before_nginx)
    args = (tool, *options, "-c", "300", "-r", "300", "-l", str(SECONDS), "-p", "3", "-u", f"http://{address}{path}")
    attacked, said = measured(address, *args)
    figures(
        f"slowhttptest {mode}: others before {calm.summary()}; during {attacked.summary()}; "
        f"{before:.1f} -> {memory(before_nginx):.1f} MiB"
    )
    assert "slow HTTP test status" in said, said
    assert (calm.errors, attacked.errors) == ([], [])
    assert re.search(ENDS[mode], before_nginx.log)

"""`rproxy top` as people run it: in a pipe, and in a terminal with keys, quits and a server that goes and comes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.clients.support import PATH, RPROXY, START, running, short_directory
from tests.processes import ROOT, free_port, wait_until
from tests.serve.admin.dashboard.play import Player, playing

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

CONFIG = """
[admin]
listen = "unix:{admin}"
[frontends.web]
listen = "127.0.0.1:0"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9"]
"""
SIZE = (30, 110)  # rows, columns


def run_once(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*RPROXY, "top", "--once", *args), capture_output=True, text=True, timeout=30, cwd=ROOT,
        env={**os.environ, "PATH": PATH, "PYTHONUTF8": "1"}, check=False,
    )  # fmt: skip


class Terminal:
    """rproxy top in a pseudo-terminal, as somebody sits before it."""

    def __init__(self, fd: int, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._fd = fd
        self._seen = ""

    def press(self, keys: bytes) -> None:
        os.write(self._fd, keys)

    def wait_for(self, words: str) -> None:
        """Until they were written to it after what was waited for last."""
        end = time.monotonic() + START
        while words not in self._seen:
            assert time.monotonic() < end, self._seen[-2000:]
            if select.select([self._fd], [], [], 0.1)[0]:
                self._seen += re.sub(r"\x1b\[[0-9;]*m", "", os.read(self._fd, 65536).decode(errors="replace"))
        self._seen = self._seen.partition(words)[2]

    def wait_end(self) -> int:
        end = time.monotonic() + START
        while self.process.poll() is None and time.monotonic() < end:
            if select.select([self._fd], [], [], 0.05)[0]:
                self._seen += os.read(self._fd, 65536).decode(errors="replace")
        return self.process.wait(0)


@contextmanager
def terminal(address: str) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        (*RPROXY, "top", "--admin", address), stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT,
        env={**env, "PATH": PATH, "TERM": "xterm-256color", "PYTHONUTF8": "1"}, start_new_session=True,
        preexec_fn=_heed_interrupts,
    )  # fmt: skip
    before = termios.tcgetattr(theirs)
    try:
        yield Terminal(ours, process)
        assert termios.tcgetattr(theirs) == before, "the terminal is left as it was"
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def _heed_interrupts() -> None:
    """What a shell starts in the background ignores them, and so do its children; nobody's terminal does."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_once_in_a_pipe() -> None:
    with playing(Player(pace=0.05)) as player:
        ended = run_once("--admin", player.address)
    assert ended.returncode == 0, ended.stderr
    assert "8 of 13 backends take work" in ended.stdout
    assert "\x1b" not in ended.stdout
    assert "▲ ejected   127.0.0.1:9104" in ended.stdout
    assert re.search(r"[1-9]\d* requests/s", ended.stdout)


def test_nobody_to_ask() -> None:
    ended = run_once("--admin", f"127.0.0.1:{free_port()}")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("rproxy: nothing answers at 127.0.0.1:")


def test_it_lives_scrolls_and_quits() -> None:
    with playing(Player(pace=0.1)) as player, terminal(player.address) as top:
        top.wait_for("8 of 13 backends take work")
        top.wait_for("lines 1 to ")
        top.press(b"j")
        top.wait_for("lines 2 to ")
        top.press(b"G")
        top.wait_for("reports/reports-3.internal:8443: disabled by the operator")
        top.press(b"q")
        assert top.wait_end() == 0


def test_control_c_ends_it() -> None:
    with playing(Player(pace=0.1)) as player, terminal(player.address) as top:
        top.wait_for("backends take work")
        top.process.send_signal(signal.SIGINT)
        assert top.wait_end() == 0


def test_it_waits_for_a_server_that_starts_again() -> None:
    with playing(Player(pace=0.1)) as player:
        context = terminal(player.address)
        top = context.__enter__()
        top.wait_for("backends take work")
    try:
        top.wait_for("trying again")
        with playing(Player(player.server_port, pace=0.1)):
            top.wait_for("q quits")
            top.press(b"q")
            assert top.wait_end() == 0
    finally:
        context.__exit__(None, None, None)


def test_a_real_rproxy_on_a_unix_socket_found_by_its_configuration() -> None:
    with short_directory() as directory:
        path = f"{directory}/admin.sock"
        with running(CONFIG.format(admin=path)) as rproxy:
            wait_until(lambda: run_once("--admin", f"unix:{path}").returncode == 0)
            ended = run_once("--config", str(rproxy.directory / "lb.toml"))
    assert ended.returncode == 0, ended.stderr
    assert "● ready     127.0.0.1:9" in ended.stdout
    assert f"http {rproxy.address}" in ended.stdout
    assert str(rproxy.directory / "lb.toml") in ended.stdout

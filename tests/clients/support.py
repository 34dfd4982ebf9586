"""rproxy as a process, started from a TOML text: where it listens, what it logged, and that it leaves nobody behind."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.processes import DEADLINE, ROOT, end_group, is_alive, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START = 30.0  # seconds; app servers import for long when the machine is busy
RPROXY = (sys.executable, "-m", "proxy")
# Programs live in sbin too, and `python` in a command is the one that runs the tests.
PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
_ROW = re.compile(r"frontend +(\S+) +(?:http|tcp) +(\S+)")


@dataclass
class Rproxy:
    """addresses: by frontend, in the order of the file, as the start table tells them."""

    process: subprocess.Popen[bytes]
    addresses: dict[str, list[str]]
    directory: Path

    @property
    def address(self) -> str:
        """The first of the first frontend."""
        return next(iter(self.addresses.values()))[0]

    @property
    def output(self) -> str:
        return (self.directory / "stdout").read_text()

    @property
    def log(self) -> str:
        return (self.directory / "stderr").read_text()

    def signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def end(self) -> None:
        """SIGTERM: ends with status 0, and no process that it has started is left."""
        family = descendants(self.process.pid)
        self.signal()
        assert self.process.wait(DEADLINE) == 0, self.log
        wait_until(lambda: not any(map(is_alive, family)))
        assert "Traceback" not in self.log, self.log


def spawn(directory: Path, args: Sequence[str], **env: str) -> subprocess.Popen[bytes]:
    """Runs it from the root of the project, with its output in files that nobody has to read for it to go on."""
    with (directory / "stdout").open("wb") as stdout, (directory / "stderr").open("wb") as stderr:
        return subprocess.Popen(
            args,
            cwd=ROOT,
            env={**os.environ, "PATH": PATH, **env},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )


@contextlib.contextmanager
def started(config: str, *options: str) -> Iterator[Rproxy]:
    """Serving when the block begins; the block may end it itself. Nothing is left of it afterwards."""
    with short_directory() as directory:
        path = directory / "lb.toml"
        path.write_text(textwrap.dedent(config))
        process = spawn(directory, (*RPROXY, "--config", str(path), *options))
        try:
            yield Rproxy(process, _wait_table(process, directory), directory)
        finally:
            end_group(process)


@contextlib.contextmanager
def running(config: str, *options: str) -> Iterator[Rproxy]:
    """`started`, and at the end of a block without error it is asked to end, with all checks of `Rproxy.end`."""
    with started(config, *options) as rproxy:
        yield rproxy
        rproxy.end()


@contextlib.contextmanager
def short_directory() -> Iterator[Path]:
    """pytest's own are too long for Unix sockets, which may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="rproxy-") as name:
        yield Path(name)


def _wait_table(process: subprocess.Popen[bytes], directory: Path) -> dict[str, list[str]]:
    """The addresses by frontend. The table has a row for each listening address; backends' output may surround it."""
    frontends = tomllib.loads((directory / "lb.toml").read_text())["frontends"].values()
    wanted = sum(1 if isinstance(frontend["listen"], str) else len(frontend["listen"]) for frontend in frontends)
    rows: list[tuple[str, str]] = []

    def is_complete() -> bool:
        assert process.poll() is None, (directory / "stderr").read_text()
        rows[:] = [match.groups() for match in map(_ROW.match, _lines(directory / "stdout")) if match]
        return len(rows) == wanted

    wait_until(is_complete, START)
    addresses: dict[str, list[str]] = {}
    for name, address in rows:
        addresses.setdefault(name, []).append(address)
    return addresses


def _lines(path: Path) -> list[str]:
    """Whole ones."""
    return [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def descendants(pid: int) -> set[int]:
    """Children, their children, and so on, at this moment."""
    parents = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            parents[int(entry)] = int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def program(name: str, package: str = "") -> str:
    """Its path. The test is skipped when it is missing; in CI, where everything is installed, it fails."""
    path = shutil.which(name, path=PATH)
    if path is None:
        missing(f"{name} is not installed: apt-get install {package or name}")
    return path


def module(name: str) -> None:
    """A library or an application server."""
    if importlib.util.find_spec(name) is None:
        missing(f"{name} is not installed: pip install -e '.[test]'")


def missing(what: str) -> NoReturn:
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(what)
    pytest.skip(what)


def run(*args: str, data: bytes | None = None, timeout: float = START) -> subprocess.CompletedProcess[bytes]:
    """A client program from start to end. Fails when it fails."""
    source = {"stdin": subprocess.DEVNULL} if data is None else {"input": data}
    result = subprocess.run(args, capture_output=True, timeout=timeout, env={**os.environ, "PATH": PATH}, **source)
    assert result.returncode == 0, (args, result.stdout[-2000:], result.stderr[-2000:])
    return result

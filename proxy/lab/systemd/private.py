"""A private systemd as one process to start, to look into from outside, and to end with all that is in it.

Nothing here waits; `manager.py` does, and so do the tests that have no event loop.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SDLAB = Path(__file__).with_name("sdlab")
_TARGET = "lab.target"


class NoSystemd(Exception):
    """Why there can be none here."""


class PrivateSystemd:
    """units: where its unit files are written. Start to end it is one child of ours; nothing of it outlives us."""

    def __init__(self, directory: Path) -> None:
        """directory: fresh, an absolute path. Raises OSError where there is no shell to start it."""
        self.units = directory / "units"
        self.units.mkdir()
        (self.units / _TARGET).write_text("[Unit]\nDescription=lab\n")
        self._log = directory / "sdlab.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["sh", SDLAB, directory],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C at the terminal reaches only us
            )
        self._first = 0  # the process that is 1 inside
        self._manager = 0

    def is_up(self) -> bool:
        """Whether it takes orders. 7 ms. Raises NoSystemd when it has ended; `let_go` is to be called then too."""
        if self._process.poll() is not None:
            raise NoSystemd(self._log.read_text(errors="replace").strip() or "it ended without a word")
        self._first = self._first or next(self._find_first(), 0)
        if not self._first:
            return False
        words = self.inside("systemctl", "--user", "is-active", _TARGET)
        said = subprocess.run(words, capture_output=True, check=False, env=self.environment, stdin=subprocess.DEVNULL)
        return said.stdout.strip() == b"active"

    def _find_first(self) -> Iterator[int]:
        """The child that is already in a process namespace of its own."""
        for child in _children(self._process.pid):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{child}/ns/pid") != os.readlink("/proc/self/ns/pid"):
                    yield child

    def inside(self, *words: str) -> list[str]:
        """The words that run a command inside: the manager talks to clients of its own process namespace only. To be
        run with `environment`."""
        user = () if os.geteuid() == 0 else ("--preserve-credentials", "-U")
        return ["nsenter", "-t", str(self._first), *user, "-m", "-p", *words]

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "XDG_RUNTIME_DIR": "/run/lab"}

    @property
    def manager(self) -> int:
        """The process id of systemd itself, as seen from here; 0 before it is up."""
        if not self._manager:
            found = (child for child in _children(self._first) if _name(child) == "systemd")
            self._manager = next(found, 0)
        return self._manager

    def main_processes(self) -> dict[str, int]:
        """The process that systemd started for each unit, as seen from here; 0.2 ms. `systemctl show` has the ids of
        the namespace, in which nobody else could signal or measure them."""
        found = {}
        for child in _children(self.manager):
            unit = _unit(child)
            if unit.endswith(".service"):
                found[unit] = child
        return found

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def let_go(self) -> None:
        """It ends by itself as soon as nobody holds the other end of its standard input."""
        assert self._process.stdin
        self._process.stdin.close()

    def kill(self) -> None:
        """And with it, by the kernel, all that is inside."""
        self._process.kill()
        self._process.wait()

    def sweep(self) -> None:
        """After the end: removes its cgroup, which is empty. 10 ms."""
        subprocess.run(["sh", SDLAB, "sweep"], check=False, capture_output=True)


def _children(pid: int) -> list[int]:
    """None of one that has ended."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _unit(pid: int) -> str:
    """By the last part of its cgroup."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            if line.startswith("0::"):
                return line.rpartition("/")[2]
    return ""

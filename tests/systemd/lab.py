"""A real systemd for tests: a private manager with a journal, up in a fifth of a second, gone without a trace.

The network is the machine's: tests connect to 127.0.0.1 as ever. Process ids that systemctl shows are those of the lab.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.processes import DEADLINE, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

SDLAB = Path(__file__).with_name("sdlab")


class NoSystemdError(Exception):
    """Why there can be no lab here."""


class Lab:
    """directory: fresh; units are written to `units/` in it."""

    def __init__(self, directory: Path) -> None:
        """Raises NoSystemdError."""
        self.directory = directory
        self.units = directory / "units"
        self.units.mkdir()
        self.write("lab.target", "[Unit]\nDescription=lab\n")
        with (directory / "sdlab.log").open("wb") as log:
            self._process = subprocess.Popen([SDLAB, directory], stdin=subprocess.PIPE, stdout=log, stderr=log)
        self._end = time.monotonic() + DEADLINE
        self._pid1 = ""
        try:
            while not (pid := self._find_pid1()):
                self._tick()
            self._pid1 = pid
            while self.ctl("is-active", "lab.target").strip() != "active":
                self._tick()
        except BaseException:
            self.close()
            raise

    def _find_pid1(self) -> str:
        """The child that is already in a pid namespace of its own."""
        pid = self._process.pid
        with contextlib.suppress(OSError):
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                if os.readlink(f"/proc/{child}/ns/pid") != os.readlink("/proc/self/ns/pid"):
                    return child
        return ""

    def _tick(self) -> None:
        if self._process.poll() is not None or time.monotonic() > self._end:
            raise NoSystemdError((self.directory / "sdlab.log").read_text().strip() or "it did not come up")
        time.sleep(0.01)

    def run(self, *args: str) -> str:
        """Standard output and error of a command inside: the manager talks to clients of its own pid namespace only."""
        user = () if os.geteuid() == 0 else ("--preserve-credentials", "-U")
        return subprocess.run(
            ["nsenter", "-t", self._pid1, *user, "-m", "-p", *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": "/run/lab"},
        ).stdout  # fmt: skip

    def ctl(self, *args: str) -> str:
        """systemctl; 7 ms."""
        return self.run("systemctl", "--user", "--no-pager", *args)

    def do(self, *args: str) -> None:
        """systemctl, for what says nothing when it works. Fails with the journal when it says something."""
        said = self.ctl(*args)
        assert not said, f"{said}\n{self.journal()}"

    def journal(self, *args: str) -> str:
        return self.run("journalctl", "-D", "/run/log/journal", "--no-pager", "--output=cat", *args)

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        lines = self.ctl("show", unit, "-p", ",".join(properties)).splitlines()
        return dict(line.split("=", 1) for line in lines)

    def wait(self, unit: str, **properties: str) -> None:
        """Until `systemctl show` says so. Fails with the journal."""
        try:
            wait_until(lambda: properties.items() <= self.show(unit, *properties).items(), 3 * DEADLINE)
        except AssertionError:
            raise AssertionError(f"{self.show(unit, *properties)}\n{self.journal()}") from None

    def write(self, name: str, text: str) -> None:
        """A unit file; then `reload_units`."""
        path = self.units / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def reload_units(self) -> None:
        self.do("daemon-reload")

    def close(self) -> None:
        """Everything inside ends, and the empty cgroup is removed."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(2 * DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()  # and with it, by the kernel, all that is inside
            self._process.wait()
        subprocess.run([SDLAB, "sweep"], check=False, capture_output=True)


@contextlib.contextmanager
def started_lab() -> Iterator[Lab]:
    """Raises NoSystemdError."""
    with tempfile.TemporaryDirectory(prefix="rproxy-lab-") as name:
        lab = Lab(Path(name))
        try:
            yield lab
        finally:
            lab.close()

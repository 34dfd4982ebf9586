"""A real systemd for tests: a private manager with a journal, up in a fifth of a second, gone without a trace.

The network is the machine's: tests connect to 127.0.0.1 as ever. Process ids that systemctl shows are those of the lab.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.lab.systemd.private import NoSystemd, PrivateSystemd
from tests.processes import DEADLINE, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


class Lab:
    """directory: fresh; units are written to `units/` in it."""

    def __init__(self, directory: Path) -> None:
        """Raises NoSystemd."""
        self.directory = directory
        self.private = PrivateSystemd(directory)
        self.units = self.private.units
        end = time.monotonic() + DEADLINE
        try:
            while not self.private.is_up():
                if time.monotonic() > end:
                    raise NoSystemd("it did not come up")
                time.sleep(0.01)
        except BaseException:
            self.close()
            raise

    def run(self, *args: str) -> str:
        """Standard output and error of a command inside."""
        return subprocess.run(
            self.private.inside(*args), env=self.private.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
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
        self.private.let_go()
        try:
            wait_until(lambda: self.private.has_ended, 2 * DEADLINE)
        except AssertionError:
            self.private.kill()
        self.private.sweep()


@contextlib.contextmanager
def started_lab() -> Iterator[Lab]:
    """Raises NoSystemd."""
    with tempfile.TemporaryDirectory(prefix="rproxy-lab-") as name:
        lab = Lab(Path(name))
        try:
            yield lab
        finally:
            lab.close()

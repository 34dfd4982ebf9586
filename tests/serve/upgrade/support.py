"""An rproxy that is upgraded, once or more: whichever process serves at the moment, and all that were."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.clients.support import Rproxy, descendants, started
from tests.processes import is_alive, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE = 30.0  # seconds; a start takes one on a busy machine


class Upgraded:
    """pid: of the process that serves now. before: of those that it came after, first the oldest."""

    def __init__(self, rproxy: Rproxy) -> None:
        self.rproxy = rproxy
        self.pid = rproxy.process.pid
        self.before: list[int] = []

    @property
    def address(self) -> str:
        return self.rproxy.address

    @property
    def log(self) -> str:
        return self.rproxy.log

    def upgrade(self) -> None:
        """Returns when the successor serves and the old program accepts no more."""
        lines = self._lines("; what runs here finishes within")
        os.kill(self.pid, signal.SIGUSR2)
        wait_until(lambda: self._lines("; what runs here finishes within") > lines, DEADLINE)
        self.before.append(self.pid)
        self.pid = int(re.findall(r"process (\d+) serves; what", self.log)[-1])

    def fail(self) -> None:
        """Returns when an upgrade has come to nothing."""
        lines = self._lines("no upgrade")
        os.kill(self.pid, signal.SIGUSR2)
        wait_until(lambda: self._lines("no upgrade") > lines, DEADLINE)

    def wait_old_gone(self) -> None:
        wait_until(lambda: not any(map(is_alive, self.before)), DEADLINE)

    def _lines(self, text: str) -> int:
        return self.log.count(text)


@contextlib.contextmanager
def upgradable(config: str) -> Iterator[Upgraded]:
    """All processes are ended behind the block, kindly, and none is left."""
    with started(config) as rproxy:
        upgraded = Upgraded(rproxy)
        try:
            yield upgraded
        finally:
            _end(upgraded)
        assert "Traceback" not in rproxy.log, rproxy.log


def _end(upgraded: Upgraded) -> None:
    family = {pid for root in (*upgraded.before, upgraded.pid) for pid in (root, *descendants(root))}
    for pid in reversed((*upgraded.before, upgraded.pid)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        upgraded.rproxy.process.wait(DEADLINE)
    try:
        wait_until(lambda: not any(map(is_alive, family)), DEADLINE)
    finally:
        for pid in filter(is_alive, family):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))

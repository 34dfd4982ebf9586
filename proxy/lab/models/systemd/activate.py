"""systemd-socket-activate, which needs neither root nor a manager: the stand-in for socket units where no private
systemd can run. It keeps no listener over a restart, and starts nothing again."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from proxy.lab.deployment import CannotDo, Worker
from proxy.lab.models.children import Running, children, until_it_listens
from proxy.lab.models.free_port import free_port
from proxy.lab.models.model import Missing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from proxy.lab.deployment import DeploymentSpec

STAND_IN = "socket-activate"  # the variant
PROGRAM = "systemd-socket-activate"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def missing_for_stand_in() -> tuple[Missing, ...]:
    return () if shutil.which(PROGRAM) else (Missing(f"no {PROGRAM}", "apt-get install systemd"),)


@asynccontextmanager
async def deploying_stand_in(
    spec: DeploymentSpec, options: Sequence[str], command: Sequence[str], *, has_worker: bool
) -> AsyncIterator[ActivatedDeployed]:
    """options: of the program. has_worker: it becomes the command at the first connection, the same process."""
    target = f"127.0.0.1:{free_port()}"
    words = [PROGRAM, f"--listen={target}", *options]
    # It gives the command next to nothing of our environment unless told.
    given = [f"--setenv={name}" for name in os.environ if _NAME.fullmatch(name)]
    async with children() as started:
        running = started.start([*words, *given, *command])
        await until_it_listens(target, running, spec.deadline)
        shown = shlex.join([*words, *command])
        yield ActivatedDeployed(target, f"{shown}\n(and --setenv for all of our environment)", running, has_worker)


class ActivatedDeployed:
    def __init__(self, target: str, description: str, running: Running, has_worker: bool) -> None:
        self.target = target
        self.description = description
        self._running = running
        self._has_worker = has_worker

    def workers(self) -> Sequence[Worker]:
        return (Worker(1, self._running.pid),) if self._has_worker and self._running.status is None else ()

    def roots(self) -> Sequence[int]:
        return (self._running.pid,) if self._running.status is None else ()

    async def kill(self, number: int) -> None:
        if not self._has_worker:
            raise CannotDo("a process lives for one connection only")
        self._running.signal(signal.SIGKILL)

    async def restart(self) -> None:
        raise CannotDo(f"{PROGRAM} does not start anything again")

    async def scale(self, count: int) -> None:
        raise CannotDo(f"{PROGRAM} has one listener for one process" if self._has_worker else "it has no workers")

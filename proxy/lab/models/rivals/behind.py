"""Workers of an application behind a proxy, each at an address of its own."""

from __future__ import annotations

import shlex
import signal
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from proxy.lab.models.children import until_it_listens
from proxy.lab.models.crew import RESTARTED, crew
from proxy.lab.models.free_port import free_port
from proxy.lab.models.whose import LOOK, patience, signal_to

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from proxy.lab.application import Way
    from proxy.lab.deployment import DeploymentSpec, Worker
    from proxy.lab.models.children import Children, Running
    from proxy.lab.models.crew import Crew

HOST = "127.0.0.1"


@asynccontextmanager
async def behind(spec: DeploymentSpec) -> AsyncIterator[Behind]:
    """`spec.workers` of them listen when the block begins. Raises DeployError."""
    start = _Start(spec)
    async with crew(start, spec.workers) as team:
        workers = Behind(spec, start, team)
        await workers.until_they_listen(range(1, spec.workers + 1))
        yield workers


class Behind:
    """started: for a proxy before them, which ends when they do."""

    def __init__(self, spec: DeploymentSpec, start: _Start, team: Crew) -> None:
        self._spec, self._start, self._team = spec, start, team
        self.started = team.started

    @property
    def description(self) -> str:
        return "\n".join([*(shlex.join(one.command) for one in self._team.running), RESTARTED])

    def workers(self) -> Sequence[Worker]:
        return self._team.workers()

    def addresses(self) -> dict[int, str]:
        """By number."""
        return {number: self._start.address(number) for number in range(1, len(self._team.running) + 1)}

    async def replace(self, number: int) -> None:
        """SIGTERM; returns when another process has its number and listens. Raises DeployError."""
        before = self._team.running[number - 1]
        signal_to(before.pid, signal.SIGTERM)
        with patience(f"worker {number} did not end"):
            while self._team.running[number - 1] is before:  # noqa: ASYNC110  its successor is no event
                await trio.sleep(LOOK)
        await self.until_they_listen([number])

    async def scale(self, count: int) -> None:
        """Those with the highest numbers are told to end; new ones listen. Raises DeployError."""
        there = len(self._team.running)
        self._team.scale(count)
        await self.until_they_listen(range(there + 1, count + 1))

    async def until_they_listen(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            running = self._team.running[number - 1]
            await until_it_listens(self._start.address(number), running, self._spec.deadline)


class _Start:
    """Starts the worker of a number: at a TCP port where the application takes one, else at a Unix socket."""

    def __init__(self, spec: DeploymentSpec) -> None:
        self._application, self._directory = spec.application, spec.directory
        self._way: Way = "port" if spec.application.takes("port") else "socket"
        self._ports: dict[int, int] = {}

    def address(self, number: int) -> str:
        if self._way == "port":
            return f"{HOST}:{self._ports.setdefault(number, free_port())}"
        return f"unix:{self._socket(number)}"

    def __call__(self, started: Children, number: int, ended: Callable[[Running], None]) -> Running:
        port = int(self.address(number).rpartition(":")[2]) if self._way == "port" else 0
        socket = self._socket(number)
        Path(socket).unlink(missing_ok=True)  # a killed one has left it, and many refuse to bind there
        command = self._application.command(self._way, worker=number, host=HOST, port=port, socket=socket)
        return started.start(command, ended=ended)

    def _socket(self, number: int) -> str:
        return str(self._directory / f"{number}.sock")

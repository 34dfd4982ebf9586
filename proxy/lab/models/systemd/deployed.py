"""Units that run under a private systemd: their workers killed, restarted and scaled as systemctl does it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from proxy.lab.deployment import CannotDo, DeployError, Worker
from proxy.lab.models.systemd.listening import holds_listener, waits_for_clients
from proxy.lab.systemd.manager import private_systemd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from proxy.lab.deployment import DeploymentSpec
    from proxy.lab.emit.worker_units import Units
    from proxy.lab.systemd.manager import Manager

LOOK = 0.02  # seconds between two looks whether a worker serves
SLOW_LOOK = 0.5  # seconds, for what costs a systemctl
PATIENCE = 2.0  # seconds: who has the listener for so long and no epoll that looks at it accepts without one
HOPELESS = 3  # restarts of a worker that has not served yet
_NUMBER = re.compile(r"@(\d+)\.service")


class UnitsDeployed:
    """A deployment. Workers are known by their unit: a number is kept over restarts."""

    def __init__(self, manager: Manager, units: Units, target: str, counts_systemd: bool) -> None:
        self.target = target
        self.description = _description(units, counts_systemd)
        self._manager = manager
        self._units = units
        self._count = len([unit for unit in units.start if unit.endswith(".service")])
        self._counts_systemd = counts_systemd

    def workers(self) -> Sequence[Worker]:
        if not self._units.instance:
            return ()
        found = [Worker(_number(unit), pid) for unit, pid in self._manager.main_processes().items()]
        return sorted(found, key=lambda worker: worker.number)

    def roots(self) -> Sequence[int]:
        """systemd itself only where it works for each connection: where units run, there is one anyway."""
        return [self._manager.pid] if self._counts_systemd else [worker.pid for worker in self.workers()]

    async def kill(self, number: int) -> None:
        """It is for systemd to start it again. Nothing if it is just being started."""
        self._needs_workers()
        for worker in self.workers():
            if worker.number == number:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGKILL)

    async def restart(self) -> None:
        """`systemctl restart` for each, the next when the new one serves."""
        self._needs_workers()
        for number in range(1, self._count + 1):
            await self._manager.do("restart", self._units.of(number)[-1])
            await self.until_served(number, DEADLINE)

    async def scale(self, count: int) -> None:
        """More or fewer instances, the highest numbers go first; with their sockets, if they have their own."""
        self._needs_workers()
        if "{}" not in self._units.instance[-1]:
            raise CannotDo("it is one process")
        more = [self._units.of(number)[-1] for number in range(self._count + 1, count + 1)]
        fewer = [unit for number in range(count + 1, self._count + 1) for unit in self._units.of(number)]
        self._count = count
        if more:
            await self._manager.do("start", *more)
        if fewer:
            await self._manager.do("stop", "--no-block", *fewer)

    def _needs_workers(self) -> None:
        if not self._units.instance:
            raise CannotDo("a process lives for one connection only: the next one is a new one anyway")

    async def until_all_served(self, deadline: float) -> None:
        if self._units.instance:
            for number in range(1, self._count + 1):
                await self.until_served(number, deadline)

    async def until_served(self, number: int, deadline: float) -> None:
        """Raises DeployError, with the last words, after `deadline` seconds or when it starts again and again."""
        begin = time.monotonic()
        look = begin + SLOW_LOOK
        while not self._serves(number, time.monotonic() - begin):
            if time.monotonic() > begin + deadline:
                raise DeployError(f"worker {number} does not serve after {deadline:g} s\n{await self.last_words()}")
            if time.monotonic() > look:
                await self._check(number)
                look = time.monotonic() + SLOW_LOOK
            await trio.sleep(LOOK)

    def _serves(self, number: int, waited: float) -> bool:
        pids = [worker.pid for worker in self.workers() if worker.number == number]
        if waited > PATIENCE:
            return any(holds_listener(pid, self.target) for pid in pids)
        return any(waits_for_clients(pid, self.target) for pid in pids)

    async def _check(self, number: int) -> None:
        unit = self._units.of(number)[-1]
        restarts = await self._manager.show(unit, "NRestarts")
        if await self.state(number) == "failed" or int(restarts["NRestarts"]) >= HOPELESS:
            raise DeployError(f"{unit} ends again and again\n{await self.last_words()}")

    async def state(self, number: int) -> str:
        """systemd's word for a worker: active, activating, failed …"""
        return (await self._manager.show(self._units.of(number)[-1], "ActiveState"))["ActiveState"]

    async def last_words(self) -> str:
        """Of the journal, workers and systemd about them."""
        return await self._manager.last_words()


DEADLINE = 15.0  # seconds until a restarted worker serves


@asynccontextmanager
async def deploying_units(
    units: Units, target: str, spec: DeploymentSpec, *, counts_systemd: bool = False
) -> AsyncIterator[UnitsDeployed]:
    """counts_systemd: its own CPU time and memory are part of what the deployment costs. Raises DeployError."""
    async with private_systemd(spec.directory / "systemd", spec.deadline) as manager:
        await manager.install(units.files)
        await manager.do("start", *units.start)
        deployed = UnitsDeployed(manager, units, target, counts_systemd)
        await deployed.until_all_served(spec.deadline)
        yield deployed


def _number(unit: str) -> int:
    match = _NUMBER.search(unit)
    return int(match[1]) if match else 1


def _description(units: Units, counts_systemd: bool) -> str:
    files = "\n".join(f"# {name}\n{text}" for name, text in units.files.items())
    counted = (
        "A private systemd runs them. It starts a process for each connection, so it is counted with them."
        if counts_systemd
        else "A private systemd runs them; it is not counted: it does nothing for a request, and a machine has one."
    )
    return f"{files}\nsystemctl start {' '.join(units.start)}\n\n{counted}\n"

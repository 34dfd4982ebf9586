"""An application behind a gateway and a broker: N workers pull."""

from __future__ import annotations

import shlex
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from proxy.lab.deployment import CannotDo, DeployError, Worker
from proxy.lab.models.children import children, until_it_listens
from proxy.lab.models.free_port import free_port
from proxy.lab.models.pull.mechanism import GATEWAY
from proxy.lab.models.pull.pulling import Pulling, count_file
from proxy.lab.models.pull.worker import read_count

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from proxy.lab.deployment import Deployment, DeploymentSpec
    from proxy.lab.models.children import Children, Running
    from proxy.lab.models.pull.mechanism import Mechanism

AGAIN = 0.1  # seconds until a worker that could not be started is tried again

REMARKS = """\
A gateway turns each request into a job and the worker's answer into the response. A worker is the application and
what pulls jobs for it: it takes the next when the one before is answered. They are killed together, and started again
at once when one of them has died, as by a loop around them."""


@asynccontextmanager
async def deploying(make: Callable[[Path], Mechanism], spec: DeploymentSpec) -> AsyncIterator[Deployment]:
    """make: the mechanism, with its sockets in the directory that it is given. Raises DeployError."""
    directory = spec.directory / "pull"
    directory.mkdir()
    try:
        async with children() as started, _tasks() as nursery:
            deployed = Pulled(make(directory), spec, directory, started, nursery)
            try:
                await deployed.begin()
                yield deployed
            finally:
                deployed.replaces = False
    finally:
        shutil.rmtree(directory)


@asynccontextmanager
async def _tasks() -> AsyncIterator[trio.Nursery]:
    """Leaving the block cancels them. What is raised in it comes out as it is, in no group."""
    raised: Exception | None = None
    async with trio.open_nursery() as nursery:
        try:
            yield nursery
        except Exception as error:  # noqa: BLE001 - raised again below
            raised = error
        finally:
            nursery.cancel_scope.cancel()
    if raised is not None:
        raise raised


class Pulled:
    """A deployment. replaces: workers that have died; not while it is ended."""

    def __init__(
        self, mechanism: Mechanism, spec: DeploymentSpec, directory: Path, started: Children, nursery: trio.Nursery
    ) -> None:
        self.target = f"127.0.0.1:{free_port()}"
        self.description = ""
        self.replaces = True
        self._mechanism, self._spec, self._directory = mechanism, spec, directory
        self._started, self._nursery = started, nursery
        self._middle: list[Running] = []  # the broker, the gateway and its bridge
        self._workers: dict[int, Pulling] = {}
        self._leaving: set[Pulling] = set()
        self._serial = 0

    async def begin(self) -> None:
        """Raises DeployError."""
        mechanism, broker = self._mechanism, self._mechanism.path
        await self._start(mechanism.server, broker)
        if mechanism.bridge is not None:
            broker = str(self._directory / "bridge")
            await self._start(mechanism.bridge(broker), broker)
        gateway = self._started.start([*GATEWAY, "--listen", self.target, mechanism.option, f"unix:{broker}"])
        self._middle.append(gateway)
        await until_it_listens(self.target, gateway, self._spec.deadline)
        await self._start_workers(range(1, self._spec.workers + 1))
        self.description = self._describe()

    def _describe(self) -> str:
        processes = self._middle + (self._workers[1].processes if 1 in self._workers else [])
        commands = "\n".join(shlex.join(process.command) for process in processes)
        return f"{commands}\n\n{REMARKS} {self._mechanism.remarks}"

    def workers(self) -> Sequence[Worker]:
        return [
            Worker(number, worker.application.pid)
            for number, worker in sorted(self._workers.items())
            if worker.application is not None and not worker.has_ended
        ]

    def roots(self) -> Sequence[int]:
        of_workers = [process for worker in (*self._workers.values(), *self._leaving) for process in worker.processes]
        return [process.pid for process in (*self._middle, *of_workers) if process.status is None]

    async def requests_by_worker(self) -> dict[int, int]:
        """Jobs answered since the deployment began."""
        return {number: read_count(count_file(self._directory, number)) for number in sorted(self._workers)}

    async def kill(self, number: int) -> None:
        if number not in self._workers:
            raise CannotDo(f"there is no worker {number}")
        self._workers[number].kill()

    async def restart(self) -> None:
        """A new one pulls before the old one is told to finish its job and end."""
        for number in sorted(self._workers):
            old = self._workers[number]
            self._workers[number] = await self._new(number)
            await self._dismiss(old)

    async def scale(self, count: int) -> None:
        for number in [number for number in self._workers if number > count]:
            self._nursery.start_soon(self._dismiss, self._workers.pop(number))
        await self._start_workers([number for number in range(1, count + 1) if number not in self._workers])

    async def _start(self, words: Sequence[str], path: str) -> None:
        running = self._started.start(words)
        self._middle.append(running)
        await until_it_listens(f"unix:{path}", running, self._spec.deadline)

    async def _start_workers(self, numbers: Sequence[int]) -> None:
        failed: list[DeployError] = []
        async with trio.open_nursery() as nursery:
            for number in numbers:
                nursery.start_soon(self._add, number, failed)
        if failed:
            raise failed[0]

    async def _add(self, number: int, failed: list[DeployError]) -> None:
        try:
            self._workers[number] = await self._new(number)
        except DeployError as error:
            failed.append(error)

    async def _new(self, number: int) -> Pulling:
        self._serial += 1
        worker = Pulling(number, self._started, self._died)
        await worker.begin(self._mechanism, self._spec, self._directory, self._serial)
        return worker

    def _died(self, worker: Pulling) -> None:
        """Of itself, or because it was killed. One that had not begun is told of by `begin`."""
        if self.replaces and self._workers.get(worker.number) is worker:
            self._nursery.start_soon(self._replace, worker)

    async def _replace(self, dead: Pulling) -> None:
        await dead.clear()
        while self._workers.get(dead.number) is dead:
            try:
                new = await self._new(dead.number)
            except DeployError:
                await trio.sleep(AGAIN)
            else:
                self._workers[dead.number] = new

    async def _dismiss(self, worker: Pulling) -> None:
        self._leaving.add(worker)
        await worker.leave()
        self._leaving.discard(worker)

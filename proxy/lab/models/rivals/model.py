"""The model of a rival: the application behind it, on ports or else on Unix sockets."""

from __future__ import annotations

import shlex
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from proxy.lab.deployment import DeployError
from proxy.lab.models.children import no_sockets_left, until_it_answers, until_it_listens
from proxy.lab.models.free_port import free_port
from proxy.lab.models.model import Kind, Missing
from proxy.lab.models.rivals.behind import HOST, behind
from proxy.lab.models.rivals.rival import Place, path_of, write_files
from proxy.lab.models.whose import kill_one

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from proxy.lab.application import Application
    from proxy.lab.deployment import Deployment, DeploymentSpec, Worker
    from proxy.lab.models.children import Children, Running
    from proxy.lab.models.rivals.behind import Behind
    from proxy.lab.models.rivals.rival import Rival


class RivalModel:
    """A model."""

    kind: Kind = "http"

    def __init__(self, rival: type[Rival]) -> None:
        self.name, self.summary = rival.name, rival.summary
        self._rival = rival

    def variants(self, application: Application) -> Sequence[str]:
        return ("",)

    def missing(self, variant: str, application: Application) -> Sequence[Missing]:
        found = []
        if path_of(self._rival.program) is None:
            found.append(Missing(f"{self._rival.program} is not installed", self._rival.how))
        if not application.takes("port") and not application.takes("socket"):
            found.append(Missing("the application takes no port and no socket", "--app 'COMMAND {host} {port}'"))
        return found

    @asynccontextmanager
    async def deploying(self, variant: str, spec: DeploymentSpec) -> AsyncIterator[Deployment]:
        rival = self._rival(Place(spec.directory, free_port()))
        with no_sockets_left(spec.directory):
            async with behind(spec) as workers:
                yield await _deployed(rival, spec, workers)


async def _deployed(rival: Rival, spec: DeploymentSpec, workers: Behind) -> _Deployed:
    files = rival.files(workers.addresses())
    write_files(rival.place, files)
    running = _started(rival, workers.started)
    target = f"{HOST}:{rival.place.port}"
    await until_it_listens(target, running, spec.deadline)
    await until_it_answers(target, [running], spec.deadline)
    return _Deployed(target, rival, running, workers, _described(rival, files, workers))


def _started(rival: Rival, started: Children) -> Running:
    program, *rest = rival.command()
    path = path_of(program)
    if path is None:
        raise DeployError(f"{program} is not installed: {rival.how}")
    return started.start([path, *rest], env=rival.env())


def _described(rival: Rival, files: Mapping[str, str], workers: Behind) -> str:
    words = [f"{name}={value}" for name, value in rival.env().items()] + [shlex.join(rival.command())]
    texts = [f"# {rival.place.path(name)}\n{text.rstrip()}" for name, text in files.items()]
    return "\n\n".join([workers.description, " ".join(words), *texts])


class _Deployed:
    def __init__(self, target: str, rival: Rival, running: Running, workers: Behind, description: str) -> None:
        self.target = target
        self.description = description
        self._rival, self._running, self._workers = rival, running, workers
        self._used = workers.addresses()

    def workers(self) -> Sequence[Worker]:
        return self._workers.workers()

    def roots(self) -> Sequence[int]:
        return [self._running.pid, *(worker.pid for worker in self.workers())]

    async def kill(self, number: int) -> None:
        kill_one(self.workers(), number)

    async def restart(self) -> None:
        """The rival is told to send a worker no more, and when its requests have ended it is replaced."""
        everybody = self._workers.addresses()
        for number in everybody:
            others = {other: address for other, address in everybody.items() if other != number}
            if not others:
                await self._workers.replace(number)
                return
            await self._use(others)
            await self._workers.replace(number)
            await self._use(everybody)

    async def scale(self, count: int) -> None:
        kept = {number: address for number, address in self._workers.addresses().items() if number <= count}
        await self._use(kept)
        await self._workers.scale(count)
        await self._use(self._workers.addresses())

    async def _use(self, backends: Mapping[int, str]) -> None:
        """Nothing when it is so."""
        if backends == self._used:
            return
        try:
            await self._rival.use(backends, self._running)
        except OSError as error:
            raise DeployError(f"{self._rival.name} did not take other backends: {error}") from error
        self._used = dict(backends)

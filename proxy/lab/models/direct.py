"""One process, nothing else: what all others are held against."""

from __future__ import annotations

import shlex
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from proxy.lab.deployment import CannotDo, Worker
from proxy.lab.models.children import Children, Running, children, until_it_listens
from proxy.lab.models.free_port import free_port
from proxy.lab.models.model import Kind, Missing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from proxy.lab.application import Application, Way
    from proxy.lab.deployment import Deployment, DeploymentSpec


class Direct:
    """A model. The application by itself on a port, or else on a Unix socket; started again by nobody."""

    name = "direct"
    summary = "one process, nothing in front: the baseline"
    kind: Kind = "http"

    def variants(self, application: Application) -> Sequence[str]:
        return ("",)

    def missing(self, variant: str, application: Application) -> Sequence[Missing]:
        if application.takes("port") or application.takes("socket"):
            return ()
        return (Missing("the application takes no port and no socket", "--app 'COMMAND {host} {port}'"),)

    @asynccontextmanager
    async def deploying(self, variant: str, spec: DeploymentSpec) -> AsyncIterator[Deployment]:
        socket = str(spec.directory / "app.sock")
        port = free_port()
        way: Way = "port" if spec.application.takes("port") else "socket"
        command = spec.application.command(way, worker=1, port=port, socket=socket)
        async with children() as started:
            running = started.start(command)
            target = f"127.0.0.1:{port}" if way == "port" else f"unix:{socket}"
            await until_it_listens(target, running, spec.deadline)
            yield _Deployed(target, started, running)


class _Deployed:
    def __init__(self, target: str, started: Children, running: Running) -> None:
        self.target = target
        self.description = shlex.join(running.command)
        self._running = running

    def workers(self) -> Sequence[Worker]:
        return (Worker(1, self._running.pid),) if self._running.status is None else ()

    def roots(self) -> Sequence[int]:
        return [worker.pid for worker in self.workers()]

    async def kill(self, number: int) -> None:
        self._running.signal(signal.SIGKILL)

    async def restart(self) -> None:
        raise CannotDo("one process with nothing beside it cannot be replaced without a gap")

    async def scale(self, count: int) -> None:
        raise CannotDo("it is one process")

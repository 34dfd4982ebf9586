"""Pre-fork: one listening socket, and all workers accept from it."""

from __future__ import annotations

import shlex
import signal
import socket
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from proxy.lab.models.children import children, until_it_answers, until_it_listens
from proxy.lab.models.crew import RESTARTED, crew
from proxy.lab.models.free_port import free_port
from proxy.lab.models.model import Kind, Missing
from proxy.lab.models.no_delay import no_delay
from proxy.lab.models.whose import LOOK, kill_one, named_workers, patience, replace_each

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from proxy.lab.application import Application
    from proxy.lab.deployment import Deployment, DeploymentSpec, Worker
    from proxy.lab.models.children import Children, Running
    from proxy.lab.models.crew import Crew

HOST = "127.0.0.1"
BACKLOG = 4096  # the kernel lowers it to net.core.somaxconn
WAYS = {  # of `backends.prefork` to wait for the next connection, and what happens then
    "epoll": "asyncio: epoll, level-triggered, accepts until the queue is empty; a connection wakes all that wait",
    "blocking": "a blocking accept: one connection at a time for each worker, closed after its answer",
    "epoll-exclusive": "asyncio, with EPOLLEXCLUSIVE: a connection wakes one that waits, mostly the same",
    "trio": "trio.serve_listeners: epoll, one-shot; a connection wakes all that wait",
}

OTHER_SERVER = (
    " It is another server than `backends.hello` of all other models, and its answer is shorter: held against theirs, "
    "capacity and latency tell of the servers too."
)


class Prefork:
    """A model. Our sample is deployed in each way to accept, which a real pre-forking server would choose from; of
    another application, N processes get the same listening socket as a descriptor, and accept as they do."""

    name = "prefork"
    summary = "one listening socket, N processes accept from it: whoever is first takes the connection"
    kind: Kind = "http"

    def variants(self, application: Application) -> Sequence[str]:
        return tuple(WAYS) if application.is_sample else ("shared-fd",)

    def missing(self, variant: str, application: Application) -> Sequence[Missing]:
        if application.is_sample or application.takes("fd"):
            return ()
        return (Missing("the application takes no listening socket as a descriptor", "--app 'COMMAND {fd}'"),)

    def deploying(self, variant: str, spec: DeploymentSpec) -> AbstractAsyncContextManager[Deployment]:
        return _sharing(spec) if variant == "shared-fd" else _forking(variant, spec)


@asynccontextmanager
async def _forking(way: str, spec: DeploymentSpec) -> AsyncIterator[Deployment]:
    target = f"{HOST}:{free_port()}"
    command = [sys.executable, "-m", "backends.prefork", "--listen", target, "--workers", str(spec.workers)]
    async with children() as started:
        parent = started.start([*command, "--accept", way])
        await until_it_listens(target, parent, spec.deadline)
        await until_it_answers(target, [parent], spec.deadline)
        deployed = _Forked(target, way, parent)
        await deployed.until_there_are(spec.workers)
        yield deployed


class _Forked:
    """A parent that forks workers and obeys signals, as gunicorn and nginx do."""

    def __init__(self, target: str, way: str, parent: Running) -> None:
        self.target = target
        self.description = (
            f"{shlex.join(parent.command)}\nA worker waits by {WAYS[way]}. The parent forks another one for who ends, "
            "after 0.1 s. A restart is SIGHUP to the parent: each worker gets a successor, and ends what it has begun."
            f"{OTHER_SERVER if way in ('blocking', 'trio') else ''}"
        )
        self._parent = parent

    def workers(self) -> Sequence[Worker]:
        return named_workers(self._parent.pid)

    def roots(self) -> Sequence[int]:
        return [self._parent.pid]

    async def kill(self, number: int) -> None:
        kill_one(self.workers(), number)

    async def restart(self) -> None:
        before = {worker.pid for worker in self.workers()}
        self._parent.signal(signal.SIGHUP)
        with patience("not all workers were replaced"):
            while not self._are_others(before):  # noqa: ASYNC110  nothing tells of a fork
                await trio.sleep(LOOK)

    def _are_others(self, before: set[int]) -> bool:
        now = {worker.pid for worker in self.workers()}
        return len(now) >= len(before) and not now & before

    async def scale(self, count: int) -> None:
        """By one and one, since a signal that is sent again before it was seen is one signal."""
        while (now := len(self.workers())) != count:
            self._parent.signal(signal.SIGTTIN if count > now else signal.SIGTTOU)
            await self.until_there_are(now + 1 if count > now else now - 1)

    async def until_there_are(self, count: int) -> None:
        """Raises DeployError."""
        with patience(f"there are {len(self.workers())} workers, not {count},"):
            while len(self.workers()) != count:  # noqa: ASYNC110  nothing tells of a fork
                await trio.sleep(LOOK)


@asynccontextmanager
async def _sharing(spec: DeploymentSpec) -> AsyncIterator[Deployment]:
    with socket.create_server((HOST, 0), backlog=BACKLOG) as sock:
        no_delay(sock)
        target = f"{HOST}:{sock.getsockname()[1]}"
        start = _Starting(spec.application, sock.fileno())
        async with crew(start, spec.workers) as team:
            await until_it_answers(target, team.running, spec.deadline)
            yield _Shared(target, start, team)


class _Starting:
    def __init__(self, application: Application, descriptor: int) -> None:
        self.application = application
        self.descriptor = descriptor

    def __call__(self, started: Children, number: int, ended: Callable[[Running], None]) -> Running:
        command = self.application.command("fd", worker=number, fd=self.descriptor)
        return started.start(command, pass_fds=(self.descriptor,), ended=ended)


class _Shared:
    def __init__(self, target: str, start: _Starting, team: Crew) -> None:
        self.target = target
        count = len(team.running)
        command = shlex.join(start.application.command("fd", worker="N", fd=start.descriptor))
        self.description = (
            f"{count} times, N from 1 to {count}: {command}\nDescriptor {start.descriptor} is the same socket for all; "
            f"it listens on {target} with TCP_NODELAY and a backlog of {BACKLOG}, and the lab holds it too. "
            f"{RESTARTED} A restart is SIGTERM to one after the other."
        )
        self._team = team

    def workers(self) -> Sequence[Worker]:
        return self._team.workers()

    def roots(self) -> Sequence[int]:
        return [worker.pid for worker in self.workers()]

    async def kill(self, number: int) -> None:
        kill_one(self.workers(), number)

    async def restart(self) -> None:
        await replace_each(self.workers, trio.lowlevel.checkpoint)

    async def scale(self, count: int) -> None:
        self._team.scale(count)

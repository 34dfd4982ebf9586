"""Independent processes on one port: SO_REUSEPORT, and the kernel gives each connection to one of them."""

from __future__ import annotations

import shlex
import socket
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from proxy.lab.deployment import Worker
from proxy.lab.models.children import until_it_answers, until_they_listen
from proxy.lab.models.crew import RESTARTED, crew
from proxy.lab.models.model import Kind, Missing
from proxy.lab.models.no_delay import no_delay
from proxy.lab.models.whose import children_of, kill_one, replace_each

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from proxy.lab.application import Application
    from proxy.lab.deployment import Deployment, DeploymentSpec
    from proxy.lab.models.children import Children, Running
    from proxy.lab.models.crew import Crew

HOST = "127.0.0.1"
BACKLOG = 4096  # the kernel lowers it to net.core.somaxconn
# The plain loop, and a trap: a shell without one leaves its worker as an orphan when it is told to end.
LOOP = ("sh", "-c", "trap 'kill $!; wait; exit' TERM; while :; do \"$@\" & wait; done", "sh")


class Reuseport:
    """A model. supervised: who ends is started again after a pause; plain-loop: by a shell's endless loop, at once.

    An application that cannot set SO_REUSEPORT gets a listening socket of the group as a descriptor, which is open in
    its process alone and so dies with it.
    """

    name = "reuseport"
    summary = "N independent processes on one port (SO_REUSEPORT): the kernel hashes each connection to one of them"
    kind: Kind = "http"

    def variants(self, application: Application) -> Sequence[str]:
        return ("supervised", "plain-loop")

    def missing(self, variant: str, application: Application) -> Sequence[Missing]:
        if application.takes("reuseport") or (variant == "supervised" and application.takes("fd")):
            return ()
        how = "--app-reuseport 'COMMAND {host} {port}'"
        if variant == "supervised":
            return (Missing("the application takes no shared port and no descriptor", f"{how}, or --app '… {{fd}}'"),)
        return (Missing("the application takes no port to share", how),)

    @asynccontextmanager
    async def deploying(self, variant: str, spec: DeploymentSpec) -> AsyncIterator[Deployment]:
        with reserved_port() as port:
            target = f"{HOST}:{port}"
            start = Starting(spec.application, port, LOOP if variant == "plain-loop" else ())
            async with crew(start, spec.workers) as team:
                await until_they_listen(target, team.running, spec.deadline, sockets=spec.workers)
                await until_it_answers(target, team.running, spec.deadline)
                deployed = _Looped if variant == "plain-loop" else _Deployed
                yield deployed(target, start, team, spec.deadline)


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port for a group of our own user's. It is held by a socket that is bound and does not listen: the kernel gives
    that one no connections, and the port to nobody else."""
    with _bound(0) as sock:
        port: int = sock.getsockname()[1]
        yield port


def _bound(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    no_delay(sock)
    sock.bind((HOST, port))
    return sock


class Starting:
    """Starts the worker of a number: by the command that sets SO_REUSEPORT, or else with a socket."""

    def __init__(self, application: Application, port: int, prefix: Sequence[str]) -> None:
        self._application = application
        self._port = port
        self._prefix = prefix

    def __call__(self, started: Children, number: int, ended: Callable[[Running], None]) -> Running:
        if self._application.takes("reuseport"):
            return started.start(self._command(number), ended=ended)
        with _bound(self._port) as sock:
            sock.listen(BACKLOG)
            command = self._application.command("fd", worker=number, fd=sock.fileno())
            return started.start(command, pass_fds=(sock.fileno(),), ended=ended)

    def _command(self, number: int | str) -> list[str]:
        return [*self._prefix, *self._application.command("reuseport", worker=number, host=HOST, port=self._port)]

    def describe(self, count: int) -> str:
        each = f"{count} times, N from 1 to {count}:"
        if self._application.takes("reuseport"):
            return f"{each} {shlex.join(self._command('N'))}"
        command = shlex.join(self._application.command("fd", worker="N", fd=3))
        return (
            f"{each} {command}\nDescriptor 3 is a socket that listens on {HOST}:{self._port} with SO_REUSEPORT, "
            f"TCP_NODELAY and a backlog of {BACKLOG}, made by the lab for this process alone."
        )


class _Deployed:
    """Common to both variants, which differ in who the workers are."""

    def __init__(self, target: str, start: Starting, team: Crew, deadline: float) -> None:
        self.target = target
        self.description = f"{start.describe(len(team.running))}\n{self.RESTARTS}"
        self._team = team
        self._deadline = deadline

    RESTARTS = f"{RESTARTED} A restart is SIGTERM to one after the other."

    def workers(self) -> Sequence[Worker]:
        return self._team.workers()

    def roots(self) -> Sequence[int]:
        return [worker.pid for worker in self._team.workers()]

    async def kill(self, number: int) -> None:
        kill_one(self.workers(), number)

    async def restart(self) -> None:
        await replace_each(self.workers, self._until_all_listen)

    async def _until_all_listen(self) -> None:
        running = self._team.running
        await until_they_listen(self.target, running, self._deadline, sockets=len(running))

    async def scale(self, count: int) -> None:
        self._team.scale(count)


class _Looped(_Deployed):
    """What the lab has started are shells; each has one worker."""

    RESTARTS = "The shell starts who ends again at once. A restart is SIGTERM to one worker after the other."

    def workers(self) -> Sequence[Worker]:
        return [Worker(shell.number, child) for shell in self._team.workers() for child in children_of(shell.pid)[:1]]

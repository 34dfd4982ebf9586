"""The loop of a shell around socat: it takes one job from one connection, does it, and only then listens again."""

from __future__ import annotations

import shutil
import signal
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from proxy.core.address import parse_address
from proxy.lab.models.children import until_they_listen
from proxy.lab.models.crew import RESTARTED, crew
from proxy.lab.models.model import Kind, Missing
from proxy.lab.models.reuseport import HOST, reserved_port
from proxy.lab.models.whose import LOOK, children_of, kill_one, patience, signal_to
from proxy.serve.machine.sock_diag import listening_sockets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from proxy.lab.application import Application
    from proxy.lab.deployment import Deployment, DeploymentSpec, Worker
    from proxy.lab.models.children import Children, Running
    from proxy.lab.models.crew import Crew

SLEEP = 'sleep "${job#* }"'  # a job of ours is a name, a space, and the seconds that it takes
# The pipe into `read` sets the variable in zsh; other shells run its end in a process of its own. What a loop has taken
# stands in a file: nobody answers, so nothing else tells. A shell that is told to end does what it has begun.
_SOCAT = "socat -u TCP-LISTEN:{port},bind={host},reuseport STDOUT"
_ZSH = """\
trap 'over=1' TERM
while [ -z "$over" ]; do
  {socat} | read -r job || continue
  print -r -- "$job" >> "$1"
  {work}
done
"""
_SH = """\
trap 'over=1' TERM
while [ -z "$over" ]; do
  job=$({socat}) && [ "$job" ] || continue
  printf '%s\\n' "$job" >> "$1"
  {work}
done
"""


class SocatLoop:
    """A model. work: what the loop does with `$job`, in the words of the shell.

    variants: of the sender. eof: ends its side and reads until the other one has ended too: then the job was read.
    blind: is content when it was written. socat closes its listener after the first connection: what waits there is
    reset, and such a sender does not see it.
    """

    name = "socat-loop"
    summary = "N shell loops around socat on one port: who is idle listens, and takes a connection as a job"
    kind: Kind = "jobs"

    def __init__(self, work: str = SLEEP) -> None:
        self._work = work

    def variants(self, application: Application) -> Sequence[str]:
        return ("eof", "blind")

    def missing(self, variant: str, application: Application) -> Sequence[Missing]:
        found = []
        if shutil.which("socat") is None:
            found.append(Missing("socat is not installed", "apt-get install socat"))
        if not application.is_sample:
            found.append(Missing("it takes jobs and answers nothing, and the application answers requests"))
        return found

    @asynccontextmanager
    async def deploying(self, variant: str, spec: DeploymentSpec) -> AsyncIterator[Deployment]:
        with reserved_port() as port:
            target = f"{HOST}:{port}"
            start = _Start(self._script(port), spec.directory)
            async with crew(start, spec.workers) as team:
                await until_they_listen(target, team.running, spec.deadline, sockets=spec.workers)
                yield Loops(target, start, team, spec.deadline)

    def _script(self, port: int) -> tuple[str, str]:
        """The shell, and what it runs."""
        shell = "zsh" if shutil.which("zsh") else "sh"
        text = _ZSH if shell == "zsh" else _SH
        return shell, text.format(socat=_SOCAT.format(host=HOST, port=port), work=self._work)


class _Start:
    def __init__(self, script: tuple[str, str], directory: Path) -> None:
        self.shell, self.text = script
        self._directory = directory

    def file(self, number: int) -> Path:
        """What the loop of that number has taken, a line each."""
        return self._directory / f"taken.{number}"

    def __call__(self, started: Children, number: int, ended: Callable[[Running], None]) -> Running:
        return started.start([self.shell, "-c", self.text, self.shell, str(self.file(number))], ended=ended)


class Loops:
    """A deployment of jobs."""

    def __init__(self, target: str, start: _Start, team: Crew, deadline: float) -> None:
        self.target = target
        self.description = f"{len(team.running)} times {start.shell} -c:\n{start.text}{RESTARTED}"
        self._start, self._team, self._deadline = start, team, deadline

    def workers(self) -> Sequence[Worker]:
        return self._team.workers()

    def roots(self) -> Sequence[int]:
        return [worker.pid for worker in self.workers()]

    def taken(self) -> Mapping[int, Sequence[str]]:
        """Jobs by the number of the worker that took them, those that are gone as well; a job being done is among
        them."""
        files = sorted(self._start.file(0).parent.glob("taken.*"))
        return {int(path.suffix[1:]): path.read_text().splitlines() for path in files}

    async def settled(self) -> None:
        """Until every worker waits for a job, and no job for a worker. Raises DeployError."""
        with patience("the loops did not come to rest"):
            while not self._is_at_rest():  # noqa: ASYNC110 - the kernel has no event for a listener
                await trio.sleep(LOOK)

    def _is_at_rest(self) -> bool:
        address = parse_address(self.target)
        listeners = [sock for sock in listening_sockets() if sock.address == address]
        return len(listeners) == len(self._team.running) and not any(sock.waiting for sock in listeners)

    async def kill(self, number: int) -> None:
        kill_one(self.workers(), number)

    async def restart(self) -> None:
        """SIGTERM for a shell, which does the job that it is at, and for its socat if it waits for one."""
        for before in self.workers():
            signal_to(before.pid, signal.SIGTERM)
            with patience(f"worker {before.number} did not end"):
                while before in self.workers():
                    _end_socat_of(before.pid)
                    await trio.sleep(LOOK)
            await self.settled()

    async def scale(self, count: int) -> None:
        self._team.scale(count)
        await self.settled()


def _end_socat_of(shell: int) -> None:
    for child in children_of(shell):
        try:
            name = Path(f"/proc/{child}/comm").read_text()
        except OSError:
            continue  # it has ended
        if name == "socat\n":
            signal_to(child, signal.SIGTERM)

"""One worker of a deployment: the application, what pulls jobs for it, and a bridge to the broker if it needs one.

They are several processes because the application is anybody's; they live and die together as one process would.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import trio

from proxy.lab.deployment import DeployError
from proxy.lab.models.children import until_it_listens, until_it_says
from proxy.lab.models.free_port import free_port
from proxy.lab.models.pull.mechanism import WORKER
from proxy.lab.models.pull.worker import COUNT_SIZE, READY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from proxy.lab.application import Way
    from proxy.lab.deployment import DeploymentSpec
    from proxy.lab.models.children import Children, Running
    from proxy.lab.models.pull.mechanism import Mechanism

DRAIN = 30.0  # seconds for the job in hand when it is asked to end: as long as anybody waits for the answer


class Pulling:
    """application, puller: its processes once it has begun. has_ended: it was told to end, or one of them has."""

    def __init__(self, number: int, started: Children, died: Callable[[Pulling], None]) -> None:
        """died: called once when one of its processes has ended of itself; the others are killed by then."""
        self.number = number
        self._started, self._died = started, died
        self.processes: list[Running] = []
        self.application: Running | None = None
        self._puller: Running | None = None
        self.has_ended = False

    async def begin(self, mechanism: Mechanism, spec: DeploymentSpec, directory: Path, serial: int) -> None:
        """Returns when it pulls. serial: of all workers that were ever started, for the names of its sockets. Raises
        DeployError, with nothing of it left."""
        try:
            await self._begin(mechanism, spec, directory, serial)
        except DeployError:
            self.has_ended = True
            self.kill()
            raise

    async def _begin(self, mechanism: Mechanism, spec: DeploymentSpec, directory: Path, serial: int) -> None:
        way: Way = "socket" if spec.application.takes("socket") else "port"
        socket, port = str(directory / f"app-{serial}"), free_port()
        address = f"unix:{socket}" if way == "socket" else f"127.0.0.1:{port}"
        words = spec.application.command(way, worker=self.number, port=port, socket=socket)
        application = self.application = self._start(words)
        broker = mechanism.path
        if mechanism.bridge is not None:
            broker = str(directory / f"bridge-{serial}")
            await until_it_listens(f"unix:{broker}", self._start(mechanism.bridge(broker)), spec.deadline)
        count = count_file(directory, self.number)
        if not count.exists():
            count.write_bytes(bytes(COUNT_SIZE))
        self._puller = self._start([
            *WORKER, mechanism.option, f"unix:{broker}", "--application", address, "--count", str(count),
            *mechanism.worker_options,
        ])  # fmt: skip
        await until_it_listens(address, application, spec.deadline)
        await until_it_says(READY, self._puller, spec.deadline)

    def kill(self) -> None:
        """SIGKILL to all of them, first to what would tell the broker."""
        for process in reversed(self.processes):
            process.signal(signal.SIGKILL)

    async def leave(self) -> None:
        """The job in hand is finished, then all end."""
        self.has_ended = True
        if self._puller is not None:
            await self._started.end(self._puller, DRAIN)
        await self.clear()

    async def clear(self) -> None:
        """Nothing of it is left, nor of what its processes have started."""
        async with trio.open_nursery() as nursery:
            for process in self.processes:
                nursery.start_soon(self._started.end, process)

    def _start(self, words: Sequence[str]) -> Running:
        process = self._started.start(words, ended=self._process_ended)
        self.processes.append(process)
        return process

    def _process_ended(self, process: Running) -> None:
        if not self.has_ended:
            self.has_ended = True
            self.kill()
            self._died(self)


def count_file(directory: Path, number: int) -> Path:
    """Of a worker and its replacements."""
    return directory / f"count-{number}"

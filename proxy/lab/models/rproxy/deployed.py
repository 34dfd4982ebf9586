"""rproxy with its managed backends, as it runs: what its users do to it is what the lab does."""

from __future__ import annotations

import shlex
import signal
from typing import TYPE_CHECKING

import trio

from proxy.lab.models.children import until_they_listen
from proxy.lab.models.rproxy.told import answers_by_worker, statistics
from proxy.lab.models.whose import PATIENCE, kill_one, marked_workers, patience, replace_each
from proxy.serve.metrics import TELL_EVERY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.deployment import Worker
    from proxy.lab.models.children import Running
    from proxy.lab.models.rproxy.files import Files

# Measured: 29 to 43 us of CPU time a request with it and without, and 64 MB of memory against 48.
TOLD = "[admin] costs rproxy 16 MB, and no CPU time that could be told from none."
LATE = 1.2 * TELL_EVERY  # seconds until what has been answered is also told
LOOK = 0.01  # seconds between looks whether a reload has had its effect


class _Deployed:
    """REPLACED: what the description says of how workers are."""

    REPLACED = ""

    def __init__(self, files: Files, running: Running) -> None:
        self.target = files.target
        self.description = f"{shlex.join(running.command)}\n{self.REPLACED} {TOLD}\n\n{files.text}"
        self._files = files
        self._running = running

    def workers(self) -> Sequence[Worker]:
        return marked_workers(self.roots())

    def roots(self) -> Sequence[int]:
        return [self._running.pid]

    async def kill(self, number: int) -> None:
        kill_one(self.workers(), number)

    async def scale(self, count: int) -> None:
        self._files.write(count)
        self._running.signal(signal.SIGHUP)
        with patience(f"{count} workers were not there"):
            while len(self.workers()) < count:  # noqa: ASYNC110  a reload is no event
                await trio.sleep(LOOK)


class Separate(_Deployed):
    """Workers at addresses of their own."""

    REPLACED = (
        "rproxy starts a worker again 0.1 s after its end. To scale is to write other backends and SIGHUP. A restart "
        "is a reload with other commands: rproxy drains a backend, ends it, starts it anew, and turns to the next one."
    )

    async def restart(self) -> None:
        before = {worker.pid for worker in self.workers()}
        self._files.write_next_round()
        self._running.signal(signal.SIGHUP)
        for number in range(1, self._files.count + 1):
            with patience(f"worker {number} was not replaced"):
                while self._replaced(before) < number:  # noqa: ASYNC110  a reload is no event
                    await trio.sleep(LOOK)

    def _replaced(self, before: set[int]) -> int:
        return sum(worker.pid not in before for worker in self.workers())

    async def requests_by_worker(self) -> dict[int, int]:
        """Answered since the start, as rproxy counts them. Takes LATE seconds. Raises OSError."""
        await trio.sleep(LATE)
        return answers_by_worker(await statistics(self._files.admin), self._files.behind.addresses(self._files.count))


class Grouped(_Deployed):
    """Members of one REUSEPORT group: rproxy knows of their connections, and nothing of their requests."""

    REPLACED = (
        "rproxy starts a member again 0.1 s after its end. To scale is to write another number of members and SIGHUP: "
        "rproxy drains the group, ends it, and starts it anew. A restart is SIGTERM to one member after the other."
    )

    async def scale(self, count: int) -> None:
        before = {worker.pid for worker in self.workers()}
        self._files.write(count)
        self._running.signal(signal.SIGHUP)
        with patience(f"there was no group of {count}"):
            while not self._is_new(before, count):  # noqa: ASYNC110  a reload is no event
                await trio.sleep(LOOK)

    def _is_new(self, before: set[int], count: int) -> bool:
        now = {worker.pid for worker in self.workers()}
        return len(now) == count and not now & before

    async def restart(self) -> None:
        await replace_each(self.workers, self._until_all_listen)

    async def _until_all_listen(self) -> None:
        (address,) = self._files.behind.addresses(1).values()
        await until_they_listen(address, [self._running], PATIENCE, sockets=self._files.count)

"""Several workers: the process that binds every listener, decides for all of them, and serves no client itself.

It never closes a listening socket while it runs, so that whoever waits in the queue of a worker that died is served by
its successor. It keeps the rights that it was started with; workers give theirs up (`user`).
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

import trio

from proxy.core.config import AUTO
from proxy.serve.control.controller import Controller
from proxy.serve.control.controlling import start_controlling
from proxy.serve.listeners import Listeners
from proxy.serve.machine.cgroup import usable_cpus
from proxy.serve.workers.shared_sockets import SharedSockets
from proxy.serve.workers.slot_keeper import SlotKeeper
from proxy.serve.workers.spawning import Spawning
from proxy.serve.workers.standing_in import LOOK, StandingIn
from proxy.serve.workers.supervised import Supervised

if TYPE_CHECKING:
    from proxy.core.config import Config
    from proxy.serve.inherited import Inherited
    from proxy.serve.orders import Order

log = logging.getLogger("rproxy")

LAST_STEPS = 5.0  # seconds for a worker that has finished what ran: the end of its access logs


def worker_count(config: Config) -> int:
    """How many processes serve clients; "auto" is one for each CPU that this process may use, or part of one."""
    return math.ceil(usable_cpus()) if config.workers == AUTO else config.workers


class Supervisor:
    def __init__(self, config: Config, inherited: Inherited | None = None) -> None:
        """Raises ListenError, TlsFileError and OSError."""
        count = worker_count(config)
        self.listeners = Listeners.bind(config, inherited, count)
        self._inherited = inherited
        try:
            self.controller = Controller(config)
            self.slots = SlotKeeper(count)
            self.slots.configure(config)
        except BaseException:
            self.listeners.close()
            self.listeners.close_admin()
            raise
        self.spawning = Spawning()
        self.workers = [self._make_worker(number, count) for number in range(1, count + 1)]
        self.standing_in = StandingIn(self.workers, self.listeners)
        self._all_over = trio.Event()
        self.controller.addresses = lambda: self.listeners.addresses
        self.controller.reloading.sockets = SharedSockets(self.listeners, self.slots, count)
        self.controller.lives = lambda: [worker.life() for worker in self.workers]

    def _make_worker(self, number: int, count: int) -> Supervised:
        return Supervised(
            number,
            count,
            spawning=self.spawning,
            controller=self.controller,
            listeners=self.listeners,
            slots=self.slots,
        )

    async def moved(self) -> None:
        """Returns when a worker serves; at once for as long as they may hang before they are replaced."""
        patience = self.controller.config.worker_timeout + LAST_STEPS
        while trio.current_time() > self.standing_in.served_at + patience:  # noqa: ASYNC110 - it is looked after as often
            await trio.sleep(LOOK)

    def send(self, order: Order) -> None:
        """To every worker."""
        for worker in self.workers:
            worker.send(order)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled, which kills the workers. Raises WorkerError."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.spawning.run)
                nursery.start_soon(self.slots.run)
                await nursery.start(self._run_workers)
                await start_controlling(nursery, self.controller, self.listeners, self._inherited)
                for worker in self.workers:
                    worker.serve()
                nursery.start_soon(self.standing_in.run)
                task_status.started()
        finally:
            self.listeners.close()
            self.listeners.close_admin()
            self.slots.close()

    async def _run_workers(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Started when all are able to serve."""
        async with trio.open_nursery() as nursery:
            async with trio.open_nursery() as starting:
                for worker in self.workers:
                    starting.start_soon(nursery.start, worker.run)
            task_status.started()
        self._all_over.set()

    async def drain(self, seconds: float) -> None:
        """Stops accepting and lets what runs finish; cuts what is left after `seconds`."""
        log.info("stopping: %d sessions finish within %g s", self.slots.active, seconds)
        self.controller.reloading.sockets = None
        self.standing_in.last_look()
        self.listeners.close()  # the workers have them too, and take in first what waits in their queues
        for worker in self.workers:
            worker.end(seconds)
        with trio.move_on_after(seconds + LAST_STEPS):
            await self._all_over.wait()

    async def cut(self) -> None:
        """Ends every session now."""
        for worker in self.workers:
            worker.end(0.0)
        with trio.move_on_after(LAST_STEPS):
            await self._all_over.wait()


async def run(
    config: Config,
    inherited: Inherited | None = None,
    *,
    task_status: trio.TaskStatus[Supervisor] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serves with several workers until cancelled. inherited: sockets to use in place of new ones.

    Raises ListenError, TlsFileError, OSError and WorkerError before `started`.
    """
    supervisor = Supervisor(config, inherited)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        task_status.started(supervisor)

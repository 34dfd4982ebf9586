"""One worker as its supervisor sees it: the process that runs now, and those that come after it."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from proxy.core.divide import divide
from proxy.core.heartbeat import Heartbeat
from proxy.core.restart import Condition, RestartPolicy, Restarts
from proxy.core.share import Share
from proxy.core.statistics import Life
from proxy.serve.controller import wall_clock
from proxy.serve.orders import Accept, CannotStart, Drain, Failed, Prepared, Reconfigure, StandIn, report_from_json
from proxy.serve.workers.begin import Adopt, Begin
from proxy.serve.workers.channel import (
    LARGEST_REPORT,
    Channel,
    ChannelError,
    Outbox,
    dump_order,
    load_report,
)
from proxy.serve.workers.spawning import LAST_WORD, SpawnError

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from proxy.core.statistics import WorkerCondition
    from proxy.serve.controller import Controller
    from proxy.serve.listeners import Bound, Listeners
    from proxy.serve.orders import Order
    from proxy.serve.workers.slot_keeper import SlotKeeper
    from proxy.serve.workers.spawning import Process, Spawning

# Its share of the clients waits in the kernel until it is back, so that the first death costs no pause.
POLICY = RestartPolicy(free_deaths=1)
LOOK = 0.25  # seconds between two looks at the sign of life
START_PATIENCE = 30.0  # seconds at least until its first one: certificates may be many
LAST_CHANCE = 2.0  # seconds for what runs in one that cannot go on; its share of the clients waits meanwhile


class WorkerError(Exception):
    """A worker cannot start; one line."""


class Supervised:
    """number: from 1. state; since: of the wall clock, when it changed. pid: of the process, None between two.
    stands_in: the listening sockets of others that it was told to accept from.

    A data plane for the controller: orders to a process that is not there are dropped, because the next one is told
    everything when it begins.
    """

    def __init__(
        self,
        number: int,
        count: int,
        *,
        spawning: Spawning,
        controller: Controller,
        listeners: Listeners,
        slots: SlotKeeper,
    ) -> None:
        self.number = number
        self.state: WorkerCondition = "starting"
        self.since = wall_clock()
        self.pid: int | None = None
        self.is_serving = False  # whether clients may be served at all: everything else has started
        self._count = count
        self._spawning = spawning
        self._controller = controller
        self._listeners = listeners
        self._slots = slots
        self._share = Share()
        self.stands_in: list[Bound] = []
        self._changed_at = trio.current_time()
        self._restarts = Restarts(POLICY, trio.current_time())
        self._outbox: Outbox | None = None
        self._ending = trio.Event()
        self._heart: Heartbeat | None = None
        self._why = ""

    def life(self) -> Life:
        """What is known of it."""
        return Life(
            number=self.number,
            pid=self.pid or 0,
            state=self.state,
            since=self.since,
            starts=self._restarts.starts,
            heartbeat_age=self._heart.silent if self._heart else None,
        )

    def send(self, order: Order, sockets: Sequence[socket.socket] = ()) -> None:
        """Does not wait and does not fail."""
        if self._outbox is None:
            return
        if isinstance(order, Reconfigure):
            share, semaphores = self._slots.share(self._share)
            self._share = share
            self._outbox.put(dump_order(Adopt(share)), semaphores)
            order = replace(order, config=divide(order.config, self._count))
        self._outbox.put(dump_order(order), [sock.fileno() for sock in sockets])

    def serve(self) -> None:
        """From now on, this process and its successors."""
        self.is_serving = True
        self.send(Accept())

    def end(self, seconds: float) -> None:
        """Finish what runs, within so many seconds, and have no successor. Again, with 0, to cut what runs."""
        self._ending.set()
        self._set("draining")
        self.send(Drain(seconds))

    def away(self) -> float:
        """For how many seconds it has served nobody, as far as can be known; inf between two processes."""
        if self.state == "running":
            return self._heart.silent if self._heart is not None else 0.0
        return math.inf if self.state in ("dead", "hung") else trio.current_time() - self._changed_at

    def stand_in(self, others: Sequence[Bound]) -> None:
        """Accept from these sockets as well, and from no others than these and its own."""
        own = {sock for _, _, sock in self._listeners.share(self.number, self._count)}
        wanted = [bound for bound in others if bound.sock not in own]  # a Unix socket is everybody's
        if wanted != self.stands_in:
            self.stands_in = wanted
            places = tuple((name, address) for name, address, _ in wanted)
            self.send(StandIn(places), [sock for _, _, sock in wanted])

    def _set(self, state: WorkerCondition) -> None:
        self.state, self.since, self._changed_at = state, wall_clock(), trio.current_time()

    # ------------------------------------------------------------------ one process after the other

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until `end`, or cancelled. Started when the first process could serve. Raises WorkerError when it cannot."""
        first = _First(task_status)
        while not self._ending.is_set():
            self._restarts.started(trio.current_time())
            self._set("starting")
            how = await self._run_once(first)
            if not first.is_over:
                raise WorkerError(how)
            if not self._ending.is_set():
                self._died(how)
                with trio.move_on_after(self._restarts.pause):
                    await self._ending.wait()
        self._set("dead")

    async def _run_once(self, first: _First) -> str:
        """How it ended."""
        self._why = ""
        try:
            process, sock = await self._spawning.spawn(self.number)
        except SpawnError as error:
            return str(error)
        channel = Channel(sock)
        try:
            status = await self._attend(process, channel, first)
        finally:
            process.kill()
            process.close()
            channel.close()
            self._outbox = self._heart = self.pid = None
        self._controller.totals.lost(self.number, self._slots.retire(self.number))
        return self._why or _how(status)

    async def _attend(self, process: Process, channel: Channel, first: _First) -> int | None:
        self.pid = process.pid
        self._outbox = Outbox(channel)
        self.stands_in = []
        heard_all = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._outbox.run)
            nursery.start_soon(self._listen, channel, process, first, heard_all)
            nursery.start_soon(self._watch, process)
            nursery.start_soon(self._watch_stability)
            self._tell_all(self._outbox)
            status = await process.wait()
            with trio.move_on_after(LAST_WORD):
                await heard_all.wait()
            nursery.cancel_scope.cancel()
        return status

    def _tell_all(self, outbox: Outbox) -> None:
        config = self._controller.config
        mine = self._listeners.share(self.number, self._count)
        self._share, semaphores = self._slots.share()
        begin = Begin(
            number=self.number,
            config=divide(config, self._count),
            share=self._share,
            bound=tuple((name, address) for name, address, _ in mine),
            log_level=logging.getLogger().getEffectiveLevel(),
        )
        outbox.put(dump_order(begin), [self._slots.board.fd, *semaphores, *(sock.fileno() for _, _, sock in mine)])
        self._controller.greet(self)
        if self.is_serving:
            self.send(Accept())

    # ------------------------------------------------------------------ what it says

    async def _listen(self, channel: Channel, process: Process, first: _First, heard_all: trio.Event) -> None:
        try:
            while (message := await channel.receive(LARGEST_REPORT)) is not None:
                self._hear(message[0], first)
        except (ChannelError, ValueError) as error:
            self._why = f"killed: it talks nonsense, {str(error).splitlines()[0]}"
            process.kill()
        heard_all.set()

    def _hear(self, data: bytes, first: _First) -> None:
        match report := report_from_json(load_report(data)):
            case Prepared():
                if not self._ending.is_set():
                    self._set("running")
                first.over()
            case CannotStart():
                self._why = report.reason
            case Failed():  # it has given up rights that its successor reads the new files with
                self._why = f"it cannot take over the new configuration: {report.why}"
                self._set("draining")
                self.send(Drain(LAST_CHANCE))
            case _:
                self._controller.observed(report, self.number)

    async def _watch(self, process: Process) -> None:
        column = self._slots.board.column(self.number)
        self._heart = heart = Heartbeat(LOOK, trio.current_time())
        while heart.silence(column.heartbeat, trio.current_time()) < self._patience():  # noqa: ASYNC110 - shared memory
            await trio.sleep(LOOK)
        self._why = f"killed: it did nothing for {heart.silent:.1f} s"
        self._set("hung")
        process.kill()

    def _patience(self) -> float:
        timeout = self._controller.config.worker_timeout
        return max(timeout, START_PATIENCE) if self.state == "starting" else timeout

    async def _watch_stability(self) -> None:
        await trio.sleep_until(self._restarts.stable_at)
        if self._restarts.stayed_up():
            self._controller.note(logging.INFO, f"worker {self.number} is up again, pid {self.pid}")

    def _died(self, how: str) -> None:
        condition = self._restarts.died(trio.current_time())
        if self._restarts.condition is Condition.RESTARTING:
            self._controller.note(logging.WARNING, f"worker {self.number} died ({how}); starting it again")
        elif condition is Condition.FAILING:
            self._controller.note(logging.ERROR, f"worker {self.number} keeps dying ({how}); trying on")
        self._set("dead")


class _First:
    """The first process, until it can serve."""

    def __init__(self, status: trio.TaskStatus[None]) -> None:
        self.is_over = False
        self._status = status

    def over(self) -> None:
        if not self.is_over:
            self.is_over = True
            self._status.started()


def _how(status: int | None) -> str:
    if status is None:
        return "it is not known why"
    return f"signal {-status}" if status < 0 else f"exit status {status}"

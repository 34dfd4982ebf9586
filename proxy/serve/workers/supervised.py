"""One worker as its supervisor sees it: the process that runs now, and those that come after it."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import trio

from proxy.core.restart import Condition, RestartPolicy, Restarts
from proxy.core.statistics import Life
from proxy.core.workers.divide import divide
from proxy.core.workers.share import Share
from proxy.serve.control.controller import wall_clock
from proxy.serve.orders import Accept, CannotStart, Drain, Drained, Failed, Prepared, Reconfigure, StandIn
from proxy.serve.workers.attendance import Attendance
from proxy.serve.workers.begin import Adopt, Begin
from proxy.serve.workers.spawning import SpawnError

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from proxy.core.statistics import WorkerCondition
    from proxy.serve.control.controller import Controller
    from proxy.serve.listeners import Bound, Listeners
    from proxy.serve.orders import Order, Report
    from proxy.serve.workers.slot_keeper import SlotKeeper
    from proxy.serve.workers.spawning import Spawning

log = logging.getLogger("rproxy.workers")

# Its share of the clients waits in the kernel until it is back, so that the first death costs no pause.
POLICY = RestartPolicy(free_deaths=1)
HUNG_AFTER = 1.0  # seconds without a sign of life, of which there should have been five: until it is killed or back
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
        self._attendance: Attendance | None = None
        self._ending = trio.Event()

    @property
    def pid(self) -> int | None:
        return self._attendance.pid if self._attendance is not None else None

    def life(self) -> Life:
        """What is known of it."""
        return Life(
            number=self.number,
            pid=self.pid or 0,
            state="hung" if self.state == "running" and self.away() > HUNG_AFTER else self.state,
            since=self.since,
            starts=self._restarts.starts,
            heartbeat_age=self._attendance.silent if self._attendance else None,
        )

    def send(self, order: Order, sockets: Sequence[socket.socket] = ()) -> None:
        """Does not wait and does not fail."""
        if self._attendance is None:
            return
        if isinstance(order, Reconfigure):
            self._share, semaphores = self._slots.share(self._share)
            self._attendance.tell(Adopt(self._share), semaphores)
            order = replace(order, config=divide(order.config, self._count))
        self._attendance.tell(order, [sock.fileno() for sock in sockets])

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
            return self._attendance.silent if self._attendance is not None else math.inf
        return math.inf if self.state == "dead" else trio.current_time() - self._changed_at

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
        try:
            process, sock = await self._spawning.spawn(self.number)
        except (SpawnError, OSError) as error:
            return str(error)
        column = self._slots.board.column(self.number)
        self._attendance = attendance = Attendance(
            process, sock, column, hear=partial(self._hear, first), patience=self._patience
        )
        self._tell_all(attendance)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch_stability)
                status = await attendance.run()
                nursery.cancel_scope.cancel()
        finally:
            self._attendance = None
        self._controller.totals.lost(self.number, self._slots.retire(self.number))
        return attendance.why or _how(status)

    def _tell_all(self, attendance: Attendance) -> None:
        mine = self._listeners.share(self.number, self._count)
        self._share, semaphores = self._slots.share()
        self.stands_in = []
        begin = Begin(
            number=self.number,
            config=divide(self._controller.config, self._count),
            share=self._share,
            bound=tuple((name, address) for name, address, _ in mine),
            log_level=logging.getLogger().getEffectiveLevel(),
        )
        attendance.tell(begin, [self._slots.board.fd, *semaphores, *(sock.fileno() for _, _, sock in mine)])
        self._controller.greet(self)
        if self._ending.is_set():
            self.send(Drain(0.0))
        elif self.is_serving:
            self.send(Accept())

    def _hear(self, first: _First, report: Report) -> None:
        match report:
            case Prepared():
                if not self._ending.is_set():
                    self._set("running")
                first.over()
            case Drained() if report.cut:
                log.warning("worker %d: %d sessions did not finish, and were cut", self.number, report.cut)
            case CannotStart():
                self._will_end(report.reason)
            case Failed():  # it has given up rights that its successor reads the new files with
                self._will_end(f"it cannot take over the new configuration: {report.why}")
                self._set("draining")
                self.send(Drain(LAST_CHANCE))
            case _:
                self._controller.observed(report, self.number)

    def _will_end(self, why: str) -> None:
        if self._attendance is not None:
            self._attendance.why = why

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

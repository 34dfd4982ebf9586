"""One process's part in what several share: it counts its slots where the others see them, and sees theirs."""

from __future__ import annotations

import os
from time import monotonic
from typing import TYPE_CHECKING

import trio

from proxy.core.workers.share import Share
from proxy.engine.scoreboard import BACKEND, FRONTEND, PAST, POOL
from proxy.engine.shared.changes import Changes
from proxy.engine.shared.semaphores import Semaphores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from proxy.engine.backend import LiveBackend
    from proxy.engine.frontend import Frontend
    from proxy.engine.reactor import Reactor
    from proxy.engine.scoreboard import Scoreboard
    from proxy.engine.shared.shared_pool import SharedPool

LOOK_EVERY = 0.001  # seconds a view of the others may be old when a batch of events begins
MOST_OF_TIME = 50  # but a look is taken only when 50 times its duration has passed: 2 % of the time at most
TURN_EVERY = 0.002  # seconds between looks at a queue that waits for its turn


class Sharing:
    """Worker `number`'s column of the scoreboard, and its view of the other columns. frontends: that it serves.

    A slot is counted at once, in 65 ns, and seen by the others in their next batch of events that begins LOOK_EVERY
    after their last look. Among 1,000 backends and with one other worker that had 20 of them moved, a look costs 50 us,
    so that there is one each 2.5 ms.

    Slots of a backend with a limit are tokens: a semaphore (eventfd(2) with EFD_SEMAPHORE) has those that nobody took,
    so that no number of processes ever takes more than there are. That costs two system calls for each slot, 1.9 us.
    What a killed process held is in its column: see serve/workers/slot_keeper.py.
    """

    @classmethod
    def join(
        cls, board: Scoreboard, number: int, share: Share, descriptors: Sequence[int], reactor: Reactor
    ) -> Sharing:
        """As worker `number`, which has no column yet; with the first share."""
        sharing = cls(board, number, reactor)
        sharing.adopt(share, descriptors)
        return sharing

    def __init__(self, board: Scoreboard, number: int, reactor: Reactor) -> None:
        """From now on the reactor's clock takes a look when it is due. The board stays the caller's."""
        self._reactor = reactor
        self.column = board.column(number)
        self.taken = self.column.cells(BACKEND, "taken")
        self._moves = self.column.cells(BACKEND, "moves")
        self._picked = self.column.cells(BACKEND, "picked")
        self._active, self._accepted, self._exchanges = (self.column.cells(FRONTEND, f) for f in FRONTEND.fields)
        self.waiting = self.column.cells(POOL, "waiting")
        self.waiting_since = self.column.cells(POOL, "waiting_since")
        others = [board.column(n) for n in range(board.columns) if n not in (PAST, number)]
        self._others_taken = [other.cells(BACKEND, "taken") for other in others]
        self._others_waiting = [other.cells(POOL, "waiting") for other in others]
        self._others_since = [other.cells(POOL, "waiting_since") for other in others]
        self._slots = Changes(self._others_taken)
        self._queues = Changes(self._others_since)
        self._ends = (0, 0)
        self._due = 0.0
        self._doubtful: dict[LiveBackend, SharedPool] = {}
        self._share = Share()
        self._semaphores = Semaphores()
        self._backends: dict[int, tuple[SharedPool, LiveBackend]] = {}
        self._pools: dict[int, SharedPool] = {}
        self._queueing: dict[SharedPool, None] = {}
        self.frontends: Mapping[str, Frontend] = {}
        self._somebody_waits = trio.Event()
        reactor.clock = self._clock

    # ------------------------------------------------------------------ who takes part

    def adopt(self, share: Share, descriptors: Sequence[int] = ()) -> None:
        """Before pools and backends of a new configuration are made. Takes the descriptors over."""
        self._share = share
        self._semaphores.adopt(share, descriptors)
        backends, pools = share.backends.values(), share.pools.values()
        self._ends = (
            max(self._ends[0], 1 + max(backends, default=-1)),
            max(self._ends[1], 1 + max(pools, default=-1)),
        )

    def enter_pool(self, pool: SharedPool) -> int:
        """Its row. Raises KeyError for one that is not in the share."""
        row = self._share.pools[pool.name]
        self._pools[row] = pool
        pool.others_wait = any(self.others_since(row))
        return row

    def has(self, backend: LiveBackend) -> bool:
        """Whether it has entered and not left."""
        return self._backends.get(backend.row, (None, None))[1] is backend

    def enter(self, pool: SharedPool, backend: LiveBackend) -> None:
        """Sets what of it others have taken, before any of it is taken here. Raises KeyError as above."""
        name = (pool.name, backend.name)
        backend.row = self._share.backends[name]
        if name in self._share.limited:
            backend.semaphore = self._semaphores.use(name)
        backend.others = self.taken_by_others(backend)
        backend.taken += backend.others
        self._backends[backend.row] = pool, backend

    def leave(self, backend: LiveBackend) -> None:
        """No new slots of it are taken. Those it has are given back as ever, but not to the semaphore, which may be
        closed by then: the supervisor finds that tokens are missing, and adds them."""
        if self.has(backend):
            del self._backends[backend.row]
        self._doubtful.pop(backend, None)
        backend.taken -= backend.others
        backend.others = 0
        if backend.semaphore >= 0:
            self._semaphores.let_go(backend.semaphore)
            backend.semaphore = -1

    def leave_pool(self, pool: SharedPool) -> None:
        """It has no backends and no work any more; another may have taken its row by then."""
        if self._pools.get(pool.row) is pool:
            del self._pools[pool.row]
        self._queueing.pop(pool, None)

    def close(self) -> None:
        """Every session has ended, so that no pool is used any more."""
        for pool in list(self._pools.values()):
            pool.close()
        self.adopt(Share())

    # ------------------------------------------------------------------ slots

    def claim(self, backend: LiveBackend) -> bool:
        """A token, if there is one, and counts it. moves: odd meanwhile, see `SlotKeeper.settle`."""
        row, moves = backend.row, self._moves
        before = moves[row]
        moves[row] = before + 1
        try:
            os.eventfd_read(backend.semaphore)
        except BlockingIOError:
            moves[row] = before + 2
            return False
        self.taken[row] += 1
        moves[row] = before + 2
        return True

    def release(self, backend: LiveBackend) -> None:
        """Gives a slot and its token back."""
        row, moves = backend.row, self._moves
        before = moves[row]
        moves[row] = before + 1
        self.taken[row] -= 1
        os.eventfd_write(backend.semaphore, 1)
        moves[row] = before + 2

    def taken_by_others(self, backend: LiveBackend) -> int:
        """As of now."""
        row = backend.row
        return sum(cells[row] for cells in self._others_taken)

    # ------------------------------------------------------------------ queues

    def others_since(self, row: int) -> list[int]:
        """Since when the longest waiting work of each other process waits for this pool, 0 for none."""
        return [cells[row] for cells in self._others_since]

    def others_waiting(self, row: int) -> int:
        return sum(cells[row] for cells in self._others_waiting)

    def tell_waiting(self, pool: SharedPool, row: int, count: int, since: float) -> None:
        self.waiting[row] = count
        self.waiting_since[row] = int(since * 1e9)
        if count:
            self._queueing[pool] = None
            self._somebody_waits.set()
        else:
            self._queueing.pop(pool, None)

    async def run(self) -> None:
        """Looks at queues that wait for their turn, until cancelled."""
        while True:
            await self._somebody_waits.wait()
            await trio.sleep(TURN_EVERY)
            if self._queueing:
                self._reactor.call_soon(self._turn)
            else:
                self._somebody_waits = trio.Event()

    def _turn(self) -> None:
        for pool in list(self._queueing):
            pool.turn()

    # ------------------------------------------------------------------ the view of the others

    def _clock(self) -> float:
        now = monotonic()
        if now >= self._due:
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - the same boundary as around every handler
                self._reactor.crashed(self.look, error)
            spent = monotonic() - now
            self._due = now + max(LOOK_EVERY, spent * MOST_OF_TIME)
        return now

    def look(self) -> None:
        """Brings what others have taken and who waits there up to date, and there what is counted here."""
        self._count()
        slots_end, queues_end = self._ends
        for row in self._slots.look(slots_end):
            pool, backend = self._backends.get(row, (None, None))
            if pool is not None and backend is not None:
                pool.see_others(backend, self.taken_by_others(backend))
        if self._doubtful:
            doubtful, self._doubtful = self._doubtful, {}
            for backend, pool in doubtful.items():
                pool.see_others(backend, self.taken_by_others(backend))
        for row in self._queues.look(queues_end):
            if row in self._pools:
                self._pools[row].others_wait = any(self.others_since(row))

    def doubt(self, pool: SharedPool, backend: LiveBackend) -> None:
        """Its semaphore and the columns did not agree just now: look at it again the next time."""
        self._doubtful[backend] = pool

    def publish(self) -> None:
        """A sign of life, and what is not worth a store each time. A few times a second, when the reactor has moved."""
        self.column.beat(self._reactor.now)
        self._count()
        for row, (_, backend) in self._backends.items():
            self._picked[row] = backend.picked

    def _count(self) -> None:
        """0.4 us for a frontend: so what this process ended is known, should it be killed; a millisecond late while it
        is busy, and a fifth of a second at most."""
        for name, row in self._share.frontends.items():
            frontend = self.frontends.get(name)
            if frontend is not None:
                self._active[row] = frontend.active
                self._accepted[row] = frontend.accepted
                self._exchanges[row] = frontend.completed + sum(frontend.failures.values())

    def crashed(self, error: Exception) -> None:
        """The next look may do better."""

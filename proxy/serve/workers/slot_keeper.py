"""The supervisor's part in slots that workers share: it gives out rows and semaphores, and keeps their sums right."""

from __future__ import annotations

import os
import re
from io import FileIO
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import trio

from proxy.core.metrics.totals import Counted
from proxy.core.workers.rows import Rows
from proxy.core.workers.share import Share
from proxy.engine.scoreboard import BACKEND, FRONTEND, POOL, Scoreboard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.core.config import Config
    from proxy.core.workers.rows import Name
    from proxy.core.workers.share import BackendName
    from proxy.engine.scoreboard import Kind

UNSETTLED_EVERY = 0.01  # seconds between looks at sums that are known to be wrong
AUDIT_EVERY = 1.0  # seconds between looks at some of all others
AUDITED = 50  # of them: 1 ms of work
MOST_TAKEN = 10_000  # tokens in a row: 4 ms
TRIES = 20  # a look takes 4 us, a worker's slot is on its way for 1 us of some 20: few looks meet one
INFO_SIZE = 256  # bytes; three lines before the count and two behind it
_COUNT = re.compile(rb"^eventfd-count:\s*([0-9a-f]+)$", re.MULTILINE)


class Semaphore(NamedTuple):
    """descriptor: of an eventfd that counts the slots nobody has."""

    descriptor: int
    row: int
    limit: int


class SlotKeeper:
    """board: the scoreboard. Each worker gets its descriptor, and a `Share` with semaphores whenever that changes.
    unsettled: backends whose sums are known to be wrong.

    The rule: what a semaphore holds and what all workers have taken of its backend are the limit. New semaphores,
    changed limits, killed workers and backends that were limited while in use break it, and `settle` restores it, each
    in the same way. Until then too few slots are given, or as many too many as were taken before there were so few.
    """

    def __init__(self, workers: int) -> None:
        """Raises OSError."""
        self.board = Scoreboard.create(workers)
        self._rows = {kind: Rows(kind.name, kind.capacity) for kind in (FRONTEND, POOL, BACKEND)}
        self._semaphores: dict[BackendName, Semaphore] = {}
        self.unsettled: dict[BackendName, None] = {}
        self._something_is_wrong = trio.Event()

    def close(self) -> None:
        for semaphore in self._semaphores.values():
            os.close(semaphore.descriptor)
        self._semaphores.clear()
        self.board.close()

    def row(self, pool: str, backend: str) -> int:
        """Of a configured backend. Raises KeyError."""
        return self._rows[BACKEND].used[pool, backend]

    @property
    def active(self) -> int:
        """Sessions in all workers, as of their last signs of life."""
        return sum(self.board.total(FRONTEND, "active", row) for row in self._rows[FRONTEND].used.values())

    # ------------------------------------------------------------------ who takes part

    def configure(self, config: Config) -> None:
        """Rows and semaphores for this configuration; those it shares with the last one stay. Raises OSError and
        TooManyRows, and then nothing has changed."""
        pools = config.pools.values()
        backends = {(pool.name, str(b.address)): b.max_connections for pool in pools for b in pool.backends}
        names: dict[Kind, Sequence[Name]] = {
            FRONTEND: list(config.frontends),
            POOL: list(config.pools),
            BACKEND: list(backends),
        }
        for kind, rows in self._rows.items():
            rows.check(names[kind])
        limits = {name: limit for name, limit in backends.items() if limit}
        new = _make_semaphores([name for name in limits if name not in self._semaphores])
        for kind, rows in self._rows.items():
            self.board.forget(kind, rows.assign(names[kind]))
        for name in [name for name in self._semaphores if name not in limits]:
            os.close(self._semaphores.pop(name).descriptor)
            self.unsettled.pop(name, None)
        for name, limit in limits.items():
            had = self._semaphores.get(name)
            if had is None or had.limit != limit:
                self._semaphores[name] = Semaphore(had.descriptor if had else new[name], self.row(*name), limit)
                self._settle_later([name])

    def share(self, before: Share | None = None) -> tuple[Share, list[int]]:
        """For a worker that got `before` last, and the descriptors that go with it."""
        known = before.limited if before is not None else frozenset()
        new = tuple(name for name in self._semaphores if name not in known)
        share = Share(
            frontends={str(name): row for name, row in self._rows[FRONTEND].used.items()},
            pools={str(name): row for name, row in self._rows[POOL].used.items()},
            backends={name: row for name, row in self._rows[BACKEND].used.items() if isinstance(name, tuple)},
            limited=frozenset(self._semaphores),
            semaphores=new,
        )
        return share, [self._semaphores[name].descriptor for name in new]

    def retire(self, worker: int) -> dict[str, Counted]:
        """It is dead: what it counted stays, what it had is free again. What it counted for each frontend."""
        column = self.board.column(worker)
        fields = [column.cells(FRONTEND, field) for field in ("accepted", "exchanges")]
        counted = {
            str(name): Counted(*(cells[row] for cells in fields)) for name, row in self._rows[FRONTEND].used.items()
        }
        self.board.retire(worker, {kind: rows.end for kind, rows in self._rows.items()})
        self._settle_later(list(self._semaphores))
        return counted

    # ------------------------------------------------------------------ sums

    def free(self) -> dict[BackendName, int]:
        """Slots that nobody has, of backends with a limit."""
        return {name: tokens(semaphore.descriptor) for name, semaphore in self._semaphores.items()}

    async def run(self) -> None:
        """Keeps the sums right, until cancelled."""
        audited = 0
        while True:
            with trio.move_on_after(AUDIT_EVERY):
                await self._something_is_wrong.wait()
            self.settle_all()
            for name in list(islice(self._semaphores, audited, audited + AUDITED)):
                self.settle(name)
            audited = audited + AUDITED if audited + AUDITED < len(self._semaphores) else 0
            if self.unsettled:
                await trio.sleep(UNSETTLED_EVERY)

    def _settle_later(self, names: Sequence[BackendName]) -> None:
        self.unsettled.update(dict.fromkeys(names))
        if names:
            self._something_is_wrong.set()

    def settle_all(self) -> None:
        """Every one that is known to be wrong."""
        for name in list(self.unsettled):
            if self.settle(name):
                self.unsettled.pop(name, None)
        if not self.unsettled:
            self._something_is_wrong = trio.Event()

    def settle(self, name: BackendName) -> bool:
        """Adds the tokens that are missing, or takes those that are too many; whether there are as many as should be.

        False when they are in use and have to come back first, and when a worker always was in between. A worker's
        `moves` are odd from before it takes or gives back a token until its `taken` says so. So if all are even, and
        the same after the semaphore was read, nothing moved meanwhile. (x86 keeps the order of stores and of loads;
        elsewhere a wrong sum is corrected by the next audit.)
        """
        board, (descriptor, row, limit) = self.board, self._semaphores[name]
        with opened_info(descriptor) as info:
            for _ in range(TRIES):
                moves = board.each(BACKEND, "moves", row)
                taken = board.total(BACKEND, "taken", row)
                text = os.pread(info.fileno(), INFO_SIZE, 0)
                if board.each(BACKEND, "moves", row) == moves and not any(n & 1 for n in moves):
                    return _change(descriptor, limit - taken - tokens_in(text))
        return False


def _make_semaphores(names: Sequence[BackendName]) -> dict[BackendName, int]:
    """Descriptors, or OSError and none."""
    made: dict[BackendName, int] = {}
    try:
        for name in names:
            made[name] = os.eventfd(0, os.EFD_SEMAPHORE | os.EFD_NONBLOCK | os.EFD_CLOEXEC)
    except OSError:
        for descriptor in made.values():
            os.close(descriptor)
        raise
    return made


def opened_info(semaphore: int) -> FileIO:
    """What the kernel says of it, anew each time it is read from the beginning; a read of the semaphore takes a token.

    Opening it takes 9 us, in which a busy worker always moves; reading it takes 1.3. Source: proc_pid_fdinfo(5).
    """
    return FileIO(f"/proc/self/fdinfo/{semaphore}")


def tokens(semaphore: int) -> int:
    """How many it holds now."""
    with opened_info(semaphore) as info:
        return tokens_in(info.read())


def tokens_in(info: bytes) -> int:
    """How many it held."""
    count = _COUNT.search(info)
    if count is None:
        raise ValueError("this is no eventfd")
    return int(count[1], 16)


def _change(semaphore: int, by: int) -> bool:
    """Whether the semaphore was changed by that much: tokens in use cannot be taken away."""
    if by > 0:
        os.eventfd_write(semaphore, by)
    try:
        for _ in range(min(-by, MOST_TAKEN)):
            os.eventfd_read(semaphore)
    except BlockingIOError:
        return False
    return -by <= MOST_TAKEN

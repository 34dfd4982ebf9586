"""Numbers that several processes share: a table in memory with one writer per cell, so that nobody ever locks.

A column is a process, and it alone writes there. A row is a frontend, a pool or a backend. Column 0 is the past: what
processes that are gone had counted, added up by whoever replaces them.

    supervisor                                    worker 2, which got board.fd
    board = Scoreboard.create(workers=2)          board = Scoreboard.attach(fd)
    rows[BACKEND].assign([("app", "unix:/a")])    taken = board.column(2).cells(BACKEND, "taken")
    board.each(BACKEND, "taken", row)             taken[row] = 7
    board.retire(2)    # it died                  board.column(2).beat(monotonic())

A cell is an aligned signed 64-bit integer, stored and loaded in one instruction: a reader sees the old or the new one,
never a mixture. What lies in two cells may be seen half new.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from typing import NamedTuple

PAST = 0  # the column of those that are gone

CELL = 8  # bytes


class Kind(NamedTuple):
    """A kind of row. gauges: what a process has now; gone with it. counters: what it ever did; kept when it is gone."""

    name: str
    capacity: int
    gauges: tuple[str, ...]
    counters: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        return self.gauges + self.counters


# waiting_since: monotonic nanoseconds of the work that has waited longest, 0 for none.
# moves: odd while a slot is on its way between `taken` and the semaphore, see engine/shared_slots.py.
# heartbeat: monotonic nanoseconds.
# exchanges: those that ended; sessions in TCP mode.
FRONTEND = Kind("frontends", 4096, ("active",), ("accepted", "exchanges"))
POOL = Kind("pools", 4096, ("waiting", "waiting_since"))
BACKEND = Kind("backends", 65536, ("taken", "moves"), ("picked",))
PROCESS = Kind("processes", 1, ("heartbeat", "pid"))
KINDS = (FRONTEND, POOL, BACKEND, PROCESS)


def _layout() -> tuple[dict[tuple[Kind, str], int], int]:
    """Where each field's array of rows begins in a column, and the size of a column, in cells.

    By field, then by row: whoever looks for what changed compares one stretch of memory per column. By column before
    that: no two processes write to one cache line. Columns are whole pages, and pages that nobody touched take no
    memory: of the 1.8 MiB of a column's addresses, 10 backends use 5 pages.
    """
    starts, end = {}, 0
    for kind in KINDS:
        for field in kind.fields:
            starts[kind, field] = end
            end += kind.capacity
    cells_of_page = mmap.PAGESIZE // CELL
    return starts, -(-end // cells_of_page) * cells_of_page


_STARTS, COLUMN_CELLS = _layout()


class Column:
    """One process's cells, for it to write."""

    def __init__(self, cells: memoryview) -> None:
        self._cells = cells
        self._heartbeat = cells[_STARTS[PROCESS, "heartbeat"] :]

    def cells(self, kind: Kind, field: str) -> memoryview:
        """One field of every row, by the row's number: 64-bit integers. A store costs 30 ns.

        Raises KeyError for a field that the kind has not.
        """
        start = _STARTS[kind, field]
        return self._cells[start : start + kind.capacity]

    def beat(self, now: float) -> None:
        """A sign of life. now: monotonic seconds."""
        self._heartbeat[0] = int(now * 1e9)

    @property
    def heartbeat(self) -> float:
        """When the last one was, in monotonic seconds; 0 before the first."""
        return float(self._heartbeat[0] / 1e9)


class Scoreboard:
    """fd: the memory, to be given to each process; it cannot be resized by any of them. Closed by `close`.

    columns: the past, and one for each worker: worker `n`, from 1 on, has column `n`.
    """

    def __init__(self, fd: int, columns: int) -> None:
        self.fd = fd
        self.columns = columns
        self._map = mmap.mmap(fd, columns * COLUMN_CELLS * CELL)
        self._cells = memoryview(self._map).cast("q")
        self._columns = [Column(self._cells[n * COLUMN_CELLS : (n + 1) * COLUMN_CELLS]) for n in range(columns)]

    @classmethod
    def create(cls, workers: int) -> Scoreboard:
        """All cells are 0. Raises OSError."""
        columns = workers + 1
        fd = os.memfd_create("rproxy-scoreboard", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(fd, columns * COLUMN_CELLS * CELL)
            # A process that cut the memory short would kill the others by SIGBUS.
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
            return cls(fd, columns)
        except BaseException:
            os.close(fd)
            raise

    @classmethod
    def attach(cls, fd: int) -> Scoreboard:
        """The one that another process made. Takes the descriptor over. Raises OSError."""
        return cls(fd, os.fstat(fd).st_size // (COLUMN_CELLS * CELL))

    def close(self) -> None:
        """Views from `cells` stay usable: the memory goes when the last of them does."""
        os.close(self.fd)
        self.fd = -1

    def column(self, number: int) -> Column:
        return self._columns[number]

    def each(self, kind: Kind, field: str, row: int = 0) -> list[int]:
        """What every column says, the past first."""
        start = _STARTS[kind, field] + row
        return [self._cells[start + n * COLUMN_CELLS] for n in range(self.columns)]

    def total(self, kind: Kind, field: str, row: int) -> int:
        """Over all columns. Not for `waiting_since` and the fields of PROCESS, which have no sum."""
        return sum(self.each(kind, field, row))

    def retire(self, number: int, ends: dict[Kind, int]) -> None:
        """The process of this column is gone: what it counted goes to the past, what it had is nothing.

        Only by the one process that writes to the past, and only when the other cannot write any more.
        ends: how many rows of each kind were ever used (`Rows.end`).
        """
        column, past = self._columns[number], self._columns[PAST]
        for kind, end in ends.items():
            for field in kind.counters:
                gone, kept = column.cells(kind, field), past.cells(kind, field)
                for row in range(end):
                    if gone[row]:
                        kept[row] += gone[row]
                        gone[row] = 0
            for field in kind.gauges:
                _zero(column.cells(kind, field), end)
        for field in PROCESS.fields:
            _zero(column.cells(PROCESS, field), 1)

    def forget(self, kind: Kind, rows: list[int]) -> None:
        """These rows (from `Rows.assign`) stand for something else from now on: all columns begin at 0.

        The one exception to a writer per cell: nobody has written there for a long time.
        """
        for row in rows:
            for field in kind.fields:
                for column in self._columns:
                    column.cells(kind, field)[row] = 0


def _zero(cells: memoryview, end: int) -> None:
    cells[:end] = memoryview(bytes(end * CELL)).cast("q")

"""The scoreboard with real processes: what one writes the other sees, and what remains of one that is killed."""

from __future__ import annotations

import gc
import mmap
import os
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from timeit import timeit
from typing import TYPE_CHECKING

import pytest

from proxy.engine.scoreboard import BACKEND, COLUMN_CELLS, FRONTEND, KINDS, PAST, POOL, PROCESS, Scoreboard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Figures

ENDS = {FRONTEND: 2, POOL: 2, BACKEND: 20}
WRITER = """
import sys
from proxy.engine.scoreboard import BACKEND, FRONTEND, Scoreboard
board = Scoreboard.attach(int(sys.argv[1]))
column = board.column(2)
column.cells(FRONTEND, "active")[1] = 9
column.cells(FRONTEND, "exchanges")[1] = 1000
column.cells(BACKEND, "taken")[7] = 3
column.cells(BACKEND, "picked")[7] += 100
column.beat(12.5)
print(board.each(BACKEND, "taken", 7), flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def no_descriptor_is_left() -> Iterator[None]:
    """A scoreboard's memory has a descriptor of its own, and goes with its last view."""
    yield
    gc.collect()


@contextmanager
def scoreboard(workers: int = 2) -> Iterator[Scoreboard]:
    with closing(Scoreboard.create(workers)) as board:
        yield board


@contextmanager
def writer(board: Scoreboard) -> Iterator[str]:
    """A process that has written to column 2 when the block begins, and is killed at its end. Gives what it saw."""
    args = [sys.executable, "-c", WRITER, str(board.fd)]
    with subprocess.Popen(args, pass_fds=[board.fd], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().decode()
        finally:
            process.kill()


def test_every_field_of_every_row_has_a_cell_of_its_own() -> None:
    with scoreboard() as board:
        number = 0
        for column in range(board.columns):
            for kind in KINDS:
                for field in kind.fields:
                    cells = board.column(column).cells(kind, field)
                    assert len(cells) == kind.capacity
                    cells[0], cells[-1] = number, -number
                    number += 1
        expected = iter(range(number))
        for column in range(board.columns):
            for kind in KINDS:
                for field in kind.fields:
                    cells = board.column(column).cells(kind, field)
                    number = next(expected)
                    assert cells[-1] == -number
                    assert cells[0] == (number if kind.capacity > 1 else -number)


def test_a_field_that_is_none_is_refused() -> None:
    with scoreboard() as board, pytest.raises(KeyError):
        board.column(1).cells(POOL, "taken")


@pytest.mark.slow
def test_processes_see_what_the_others_write() -> None:
    with scoreboard() as board:
        board.column(1).cells(BACKEND, "taken")[7] = 2
        with writer(board) as seen:
            assert seen == "[0, 2, 3]\n"
            assert board.each(BACKEND, "taken", 7) == [0, 2, 3]
            assert board.total(BACKEND, "taken", 7) == 5
            assert board.column(2).heartbeat == 12.5


@pytest.mark.slow
def test_of_a_killed_process_the_counters_remain_and_nothing_else() -> None:
    with scoreboard() as board:
        for life in (1, 2):  # the second in the column of the first
            with writer(board):
                pass
            assert board.total(BACKEND, "picked", 7) == 100 * life
            assert board.total(BACKEND, "taken", 7) == 3
            board.retire(2, ENDS)
            assert board.each(BACKEND, "picked", 7) == [100 * life, 0, 0]
            assert board.each(FRONTEND, "exchanges", 1) == [1000 * life, 0, 0]
            assert board.total(BACKEND, "taken", 7) == board.total(FRONTEND, "active", 1) == 0
            assert board.each(PROCESS, "heartbeat") == [0, 0, 0]


def test_the_living_keep_what_they_have_when_another_is_retired() -> None:
    with scoreboard() as board:
        for number in (1, 2):
            board.column(number).cells(POOL, "waiting")[1] = number
            board.column(number).cells(BACKEND, "picked")[3] = number
        board.retire(1, ENDS)
        assert board.each(POOL, "waiting", 1) == [0, 0, 2]
        assert board.each(BACKEND, "picked", 3) == [1, 0, 2]


def test_a_row_that_stands_for_another_begins_at_nothing() -> None:
    with scoreboard() as board:
        for number in (PAST, 1, 2):
            for row in (3, 4):
                board.column(number).cells(BACKEND, "picked")[row] = 5
        board.forget(BACKEND, [3])
        assert board.each(BACKEND, "picked", 3) == [0, 0, 0]
        assert board.each(BACKEND, "picked", 4) == [5, 5, 5]


def test_nobody_can_cut_the_memory_short() -> None:
    with scoreboard() as board:
        for size in (0, 1 << 30):
            with pytest.raises(PermissionError):
                os.ftruncate(board.fd, size)


def test_views_outlive_the_board_that_gave_them() -> None:
    with scoreboard() as board:
        cells = board.column(1).cells(BACKEND, "taken")
    cells[0] = 5
    assert cells[0] == 5


def test_rows_that_nobody_uses_take_no_memory() -> None:
    with scoreboard(workers=8) as board:
        for number in range(board.columns):
            board.column(number).cells(BACKEND, "taken")[:100] = board.column(0).cells(BACKEND, "taken")[:100]
        blocks = os.fstat(board.fd).st_blocks * 512
        assert blocks <= (board.columns + 8) * mmap.PAGESIZE
        assert Path(f"/proc/self/fd/{board.fd}").stat().st_size == board.columns * COLUMN_CELLS * 8


def test_what_a_cell_costs(figures: Figures) -> None:
    with scoreboard() as board:
        cells = board.column(1).cells(BACKEND, "taken")

        def store(count: int = 100_000) -> None:
            for number in range(count):
                cells[5] = number

        figures(f"scoreboard: a store to a cell {timeit(store, number=1) * 1e4:.0f} ns")
        assert cells[5] == 99_999

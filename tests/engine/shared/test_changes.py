from __future__ import annotations

from array import array
from timeit import timeit
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from proxy.engine.shared.changes import Changes

if TYPE_CHECKING:
    from tests.conftest import Figures

CELLS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9), st.integers(-(2**63), 2**63 - 1)), max_size=20)


def two_columns(rows: int) -> tuple[list[array[int]], Changes]:
    columns = [array("q", [0] * rows) for _ in range(2)]
    return columns, Changes(memoryview(column) for column in columns)


@given(st.lists(CELLS, max_size=5))
def test_finds_what_changed_and_nothing_else(steps: list[list[tuple[int, int, int]]]) -> None:
    columns, changes = two_columns(10)
    seen = [column.tolist() for column in columns]
    for step in steps:
        for column, row, value in step:
            columns[column][row] = value
        expected = {row for row in range(10) for new, old in zip(columns, seen, strict=True) if new[row] != old[row]}
        assert changes.look(10) == expected
        seen = [column.tolist() for column in columns]


def test_rows_that_were_added_since_are_compared_with_nothing() -> None:
    columns, changes = two_columns(10)
    columns[0][1] = columns[1][9] = 5
    assert changes.look(2) == {1}
    assert changes.look(10) == {9}


def test_what_a_look_costs(figures: Figures) -> None:
    columns, changes = two_columns(1000)
    quiet = timeit(lambda: changes.look(1000), number=200) / 200

    def all_move() -> None:
        columns[0][:] = array("q", [value + 1 for value in columns[0]])
        changes.look(1000)

    busy = timeit(all_move, number=200) / 200
    figures(f"a look at 1,000 rows in 2 columns: {quiet * 1e6:.1f} us, {busy * 1e6:.0f} us if all moved in one of them")

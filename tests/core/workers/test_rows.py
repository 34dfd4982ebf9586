from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.workers.rows import Rows, TooManyRows


def test_a_name_keeps_its_row_whatever_comes_and_goes_beside_it() -> None:
    rows = Rows("backends", 4)
    rows.assign(["a", "b"])
    rows.assign(["b", "c"])
    assert rows.used == {"b": 1, "c": 2}
    rows.assign(["c", "b", "a"])
    assert rows.used == {"a": 0, "b": 1, "c": 2}  # back where it was: its counters go on
    assert rows.end == 3


def test_a_row_is_used_anew_only_when_none_is_fresh_and_then_the_one_left_longest_ago() -> None:
    rows = Rows("backends", 3)
    assert rows.assign(["a", "b"]) == []
    assert rows.assign(["b"]) == []
    assert rows.assign([]) == []
    assert rows.assign(["c"]) == []  # the fresh one
    assert rows.assign(["c", "d"]) == [0]
    assert rows.used == {"c": 2, "d": 0}


def test_too_many_names_change_nothing() -> None:
    rows = Rows("backends", 2)
    rows.assign(["a"])
    with pytest.raises(TooManyRows, match="3 backends, and there is room for 2"):
        rows.assign(["b", "c", "d"])
    assert rows.used == {"a": 0}


@given(st.lists(st.sets(st.sampled_from("abcdefgh"), max_size=4), max_size=12))
def test_no_row_changes_its_name_unsaid(steps: list[set[str]]) -> None:
    rows = Rows("backends", 4)
    owner: dict[int, object] = {}
    for names in steps:
        for row in rows.assign(sorted(names)):
            del owner[row]
        assert set(rows.used) == names
        assert len(set(rows.used.values())) == len(names)
        for name, row in rows.used.items():
            assert owner.setdefault(row, name) == name
            assert row < rows.end <= 4

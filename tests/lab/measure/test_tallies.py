"""Looks at workers that come and go."""

from __future__ import annotations

from proxy.lab.measure.server_ends import ServerEnd
from proxy.lab.measure.tallies import BusyTimes, Connections, ToldRequests, sums


def test_what_came_in_before_is_not_counted_and_what_is_over_is_kept() -> None:
    tally = Connections()
    tally.add(1, ServerEnd(11, "old", 100), is_first=True)
    tally.add(1, ServerEnd(11, "old", 103), is_first=False)
    tally.add(2, ServerEnd(12, "new", 5), is_first=False)
    tally.add(2, ServerEnd(12, "another with its number", 1), is_first=False)
    assert tally.work() == {1: 3, 2: 6}
    assert tally.number() == {1: 1, 2: 2}
    assert tally.are_counted
    assert tally.by_peer()["old"] == 1


def test_a_connection_that_does_not_count_is_one() -> None:
    tally = Connections()
    for _ in range(3):
        tally.add(1, ServerEnd(11, "inode 10"), is_first=False)
    assert tally.work() == {1: 1}
    assert not tally.are_counted


def test_time_that_was_used_before_is_not_counted_but_all_of_a_later_process() -> None:
    tally = BusyTimes()
    tally.add(1, 101, 5.0, is_first=True)
    tally.add(1, 101, 6.0, is_first=False)
    tally.add(1, 102, 0.5, is_first=False)
    tally.add(1, 102, 0.0, is_first=False)  # it has ended
    assert tally.busy() == {1: 1.5}
    assert tally.pids() == {1: 102}


def test_what_is_told_is_counted_over_replacements_and_departures() -> None:
    """Worker 1 had answered 100 before; 2 comes, goes, and comes back with nothing; nobody tells in between."""
    tally = ToldRequests()
    assert tally.requests is None
    for told in ({1: 100}, {1: 110, 2: 5}, None, {1: 120}, {1: 2, 2: 3}):
        tally.add(told, is_first=tally.requests is None)
    assert tally.requests == {1: 22, 2: 8}


def test_sums() -> None:
    assert sums([(1, 2), (2, 3), (1, 4)]) == {1: 6, 2: 3}

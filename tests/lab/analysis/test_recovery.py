"""Timelines of faults that were got over, and of some that were not."""

from __future__ import annotations

from proxy.lab.analysis.recovery import is_served, recovery
from proxy.lab.results import Slot


def timeline(text: str) -> list[Slot]:
    """A character for a tenth of a second: `.` as usual, `e` with an error, `s` slow, `-` with nothing answered."""
    kinds = {".": (20, 0, 0.01), "e": (18, 2, 0.01), "s": (20, 0, 0.2), "-": (0, 0, 0.0)}
    return [
        Slot(index / 10, completed, errors, p50, p50)
        for index, (completed, errors, p50) in enumerate(kinds[char] for char in text)
    ]


def test_a_fault_that_nobody_could_tell() -> None:
    assert recovery(timeline("....................."), 1.0, 2.0) == 0.0


def test_errors_slowness_and_silence_are_all_no_recovery() -> None:
    for sick in ("eee", "sss", "---", "-es"):
        assert recovery(timeline(".........." + sick + "........."), 1.0, 2.2) == 0.3


def test_a_moment_of_calm_does_not_count() -> None:
    assert recovery(timeline("..........e...e......."), 1.0, 2.2) == 0.5


def test_what_lasts_until_the_end_is_no_recovery() -> None:
    assert recovery(timeline("..........------------"), 1.0, 2.2) is None
    assert recovery(timeline("..........e..."), 1.0, 1.4) is None


def test_a_fault_within_a_slot_counts_from_its_moment() -> None:
    assert recovery(timeline("..........e..........."), 1.04, 2.2) == 0.06


def test_nothing_before_is_nothing_to_compare_with() -> None:
    assert recovery(timeline("......"), 0.0, 0.6) is None


def test_answers_to_what_was_late_behind_the_end_are_no_recovery() -> None:
    assert recovery(timeline("..........--........."), 1.0, 1.5) is None


def test_who_is_served_at_the_end_is_told() -> None:
    assert is_served(timeline("..........----..."), 1.7)
    assert is_served(timeline("..........e.e.e.e"), 1.7)
    assert not is_served(timeline(".....-----..."), 1.0), "what comes behind the end is no sign of life"
    assert not is_served(timeline("..........e-e-eee"), 1.7)

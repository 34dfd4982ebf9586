"""New workers that begin to work at a known moment."""

from __future__ import annotations

import pytest

from proxy.lab.analysis.taking_share import Done, seconds_to_share, share_of


def looks(rate_of_new: float, since: float) -> list[Done]:
    """Every 0.1 s for 5 s: two old workers do 10 a second each, two new ones so much from `since` on."""
    found = []
    for step in range(51):
        at = step / 10
        new = max(at - since, 0.0) * rate_of_new
        found.append(Done(100 + at, {1: 10 * at, 2: 10 * at, 3: new, 4: new}))
    return found


def test_it_is_told_when_they_have_their_share() -> None:
    found = seconds_to_share(looks(10, 2.0), {3, 4}, 101.0, 0.5)
    assert found == pytest.approx(1.0, abs=0.11)


def test_who_does_too_little_never_has_it() -> None:
    assert seconds_to_share(looks(2, 2.0), {3, 4}, 101.0, 0.5) is None
    assert seconds_to_share(looks(10, 9.0), {3, 4}, 101.0, 0.5) is None


def test_who_has_it_at_once() -> None:
    assert seconds_to_share(looks(10, 0.0), {3, 4}, 101.0, 0.5) == 0.0


def test_what_was_done_once_is_no_share() -> None:
    first = [Done(at, {1: 10.0 * at, 2: 1.0 if at >= 1 else 0.0}) for at in range(4)]
    assert seconds_to_share(first, {2}, 0.0, 1.0) is None


def test_a_share_of_what_was_done_meanwhile() -> None:
    assert share_of({2}, Done(0, {1: 100.0}), Done(1, {1: 103.0, 2: 1.0})) == 0.25
    assert share_of({2}, Done(0, {1: 100.0}), Done(1, {1: 100.0, 2: 0.0})) is None

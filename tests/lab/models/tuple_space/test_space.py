"""Tuples that are written, read, taken and leased, at moments of a clock that we move."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from proxy.lab.models.tuple_space.space import Lease, Space, Wait

if TYPE_CHECKING:
    from collections.abc import Sequence


class Asked:
    """A wait, and what became of it."""

    def __init__(
        self, space: Space, *pattern: object, takes: bool = True, lease: float | None = None, until: float = math.inf,
        now: float = 0.0,
    ) -> None:  # fmt: skip
        self.found: list[Sequence[object]] = []
        self.leases: list[Lease] = []
        self.why = ""
        self.wait = Wait(list(pattern), takes, lease, until, self._found, self._ended)
        space.ask(self.wait, now)

    def _found(self, values: Sequence[object], lease: Lease | None) -> None:
        self.found.append(values)
        self.leases += [lease] if lease is not None else []

    def _ended(self, why: str) -> None:
        self.why = why


def write(space: Space, *values: object, until: float = math.inf, now: float = 0.0) -> None:
    space.write(list(values), until, now)


def test_what_fits_is_taken_once_the_oldest_first() -> None:
    space = Space()
    write(space, "task", 1)
    write(space, "other", 2)
    write(space, "task", 3)
    assert Asked(space, "task", None).found == [["task", 1]]
    assert Asked(space, None, 2).found == [["other", 2]]
    assert Asked(space, "task", 4).found == []
    assert Asked(space, "task").found == []
    assert len(space) == 1


def test_who_waits_longest_gets_it_and_who_reads_has_it_too() -> None:
    space = Space()
    first, second, third = Asked(space, None, None), Asked(space, "task", None), Asked(space, "task", 9)
    reader = Asked(space, "task", None, takes=False)
    write(space, "task", 1)
    assert (first.found, second.found, third.found, reader.found) == ([["task", 1]], [], [], [["task", 1]])
    write(space, "task", 9)
    assert second.found == [["task", 9]]


def test_a_read_leaves_it_there() -> None:
    space = Space()
    write(space, "a")
    assert Asked(space, "a", takes=False).found == [["a"]]
    assert Asked(space, "a").found == [["a"]]


def test_tuples_and_waits_expire() -> None:
    space = Space()
    write(space, "a", until=5.0)
    waiting = Asked(space, "b", until=3.0)
    space.tick(3.0)
    assert waiting.why == "expired"
    assert Asked(space, "a", now=5.0).found == []
    space.tick(5.0)
    assert len(space) == 0
    assert Asked(space, "c", until=6.0, now=6.0).why == "expired"


def test_a_wait_that_is_cancelled_gets_nothing() -> None:
    space = Space()
    asked = Asked(space, "a")
    space.cancel(asked.wait)
    space.cancel(asked.wait)
    write(space, "a")
    assert (asked.found, asked.why) == ([], "cancelled")
    assert len(space) == 1


def test_a_lease_that_is_over_brings_the_tuple_back() -> None:
    space = Space()
    write(space, "a")
    first, other = Asked(space, "a", lease=5.0), Asked(space, "a")
    space.tick(4.9)
    assert other.found == []
    space.tick(5.0)
    assert other.found == [["a"]]
    assert not space.keep(first.leases[0].number)


def test_a_lease_is_kept_given_back_or_renewed() -> None:
    space = Space()
    for _ in range(3):
        write(space, "a")
    kept, given_back, renewed = (Asked(space, "a", lease=5.0).leases[0].number for _ in range(3))
    assert space.keep(kept)
    assert space.give_back(given_back, 1.0)
    assert space.renew(renewed, 10.0, 1.0)
    assert len(space) == 1
    space.tick(10.9)
    assert len(space) == 1
    space.tick(11.0)
    assert len(space) == 2


def test_a_leased_tuple_does_not_outlive_its_time() -> None:
    space = Space()
    write(space, "a", until=2.0)
    Asked(space, "a", lease=5.0)
    space.tick(5.0)
    assert len(space) == 0


_STEPS = st.lists(
    st.tuples(st.sampled_from(["write", "take", "lease", "back", "keep"]), st.integers(0, 2)), max_size=60
)


@given(_STEPS)
def test_a_tuple_is_in_one_place_only(steps: list[tuple[str, int]]) -> None:
    """written = there + taken + leased, whatever happens in which order."""
    space, written = Space(), 0
    asked: list[Asked] = []
    leases: list[Lease] = []
    kept = 0
    for do, kind in steps:
        if do == "write":
            written += 1
            write(space, str(kind), written)
        elif do in ("take", "lease"):
            asked.append(Asked(space, str(kind), None, lease=9.0 if do == "lease" else None))
        leases += [lease for one in asked for lease in one.leases]
        for one in asked:
            one.leases.clear()
        if do in ("back", "keep") and leases:
            lease = leases.pop(kind % len(leases))
            kept += do == "keep"
            assert space.keep(lease.number) if do == "keep" else space.give_back(lease.number, 0.0)
    leases += [lease for one in asked for lease in one.leases]
    taken = sum(len(one.found) for one in asked if one.wait.lease is None)
    assert written == len(space) + taken + len(leases) + kept

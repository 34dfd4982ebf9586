"""Tuples, who waits for which, and what is leased to whom. Pure: `now` is an argument.

Source: the coordination language Linda (Gelernter 1985), with the leases of JavaSpaces.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_What = TypeVar("_What")
_Key = tuple[int, object]  # length, and first value where that is text


@dataclass(slots=True, eq=False)
class Entry:
    """A tuple. until: when it vanishes."""

    values: Sequence[object]
    until: float


@dataclass(slots=True, eq=False)
class Lease:
    """A tuple that was taken on trial. until: it comes back then, if it was neither kept nor given back before."""

    number: int
    entry: Entry
    until: float


@dataclass(slots=True, eq=False)
class Wait:
    """For a tuple like `pattern`, where None stands for anything. takes: it is gone from the space then. lease: seconds
    for which it is taken on trial; None: for good. found: told of it, with its lease; ended: told that it waits no
    more, and why."""

    pattern: Sequence[object]
    takes: bool
    lease: float | None
    until: float
    found: Callable[[Sequence[object], Lease | None], None]
    ended: Callable[[str], None]
    turn: int = field(default=0)

    def fits(self, values: Sequence[object]) -> bool:
        return all(wanted is None or wanted == value for wanted, value in zip(self.pattern, values, strict=True))


class Space:
    """Of several tuples that fit, the oldest is found, unless the pattern begins with anything: then of those that
    begin alike. Of several who wait, the first gets it."""

    def __init__(self) -> None:
        self._entries: dict[_Key, dict[Entry, None]] = {}
        self._waiting: dict[_Key, dict[Wait, None]] = {}
        self._leases: dict[int, Lease] = {}
        self._turns, self._numbers = itertools.count(1), itertools.count(1)

    def __len__(self) -> int:
        """Tuples that are there for anybody."""
        return sum(map(len, self._entries.values()))

    def write(self, values: Sequence[object], until: float, now: float) -> None:
        self._place(Entry(values, until), now)

    def ask(self, wait: Wait, now: float) -> None:
        """Found at once, or waited for until `cancel`."""
        for entry in self._candidates(wait):
            if entry.until > now and wait.fits(entry.values):
                if wait.takes:
                    self._remove(entry)
                self._found(wait, entry, now)
                return
        if wait.until <= now:
            wait.ended("expired")
            return
        wait.turn = next(self._turns)
        self._waiting.setdefault(_key(wait.pattern), {})[wait] = None

    def cancel(self, wait: Wait, why: str = "cancelled") -> None:
        """Nothing when it waits no more."""
        if self._forget(wait):
            wait.ended(why)

    def keep(self, number: int) -> bool:
        """What was leased is the taker's now. False when the lease is over."""
        return self._leases.pop(number, None) is not None

    def give_back(self, number: int, now: float) -> bool:
        """What was leased is there for anybody again. False when the lease is over."""
        lease = self._leases.pop(number, None)
        if lease is not None and lease.entry.until > now:
            self._place(lease.entry, now)
        return lease is not None

    def renew(self, number: int, seconds: float, now: float) -> bool:
        """It lasts so long from now. False when it is over."""
        lease = self._leases.get(number)
        if lease is not None:
            lease.until = now + seconds
        return lease is not None

    def tick(self, now: float) -> None:
        """Does what is due. O(all there is): 15 us for a thousand tuples."""
        for lease in [lease for lease in self._leases.values() if lease.until <= now]:
            self.give_back(lease.number, now)
        for wait in [wait for waits in self._waiting.values() for wait in waits if wait.until <= now]:
            self.cancel(wait, "expired")
        for entry in [entry for entries in self._entries.values() for entry in entries if entry.until <= now]:
            self._remove(entry)

    def _place(self, entry: Entry, now: float) -> None:
        """Readers who wait have it, then the first who takes; else it stays."""
        length, first = _key(entry.values)
        waiting = [*self._waiting.get((length, first), ()), *self._waiting.get((length, None), ())]
        for wait in sorted(waiting, key=lambda wait: (wait.takes, wait.turn)) if len(waiting) > 1 else waiting:
            if wait.fits(entry.values):
                self._forget(wait)
                self._found(wait, entry, now)
                if wait.takes:
                    return
        self._entries.setdefault((length, first), {})[entry] = None

    def _found(self, wait: Wait, entry: Entry, now: float) -> None:
        lease = None
        if wait.takes and wait.lease is not None:
            lease = Lease(next(self._numbers), entry, now + wait.lease)
            self._leases[lease.number] = lease
        wait.found(entry.values, lease)

    def _candidates(self, wait: Wait) -> Iterator[Entry]:
        length, first = _key(wait.pattern)
        if first is not None:
            return iter(self._entries.get((length, first), ()))
        return (entry for key, entries in self._entries.items() if key[0] == length for entry in entries)

    def _remove(self, entry: Entry) -> None:
        _discard(self._entries, _key(entry.values), entry)

    def _forget(self, wait: Wait) -> bool:
        """Whether it waited."""
        return _discard(self._waiting, _key(wait.pattern), wait)


def _key(values: Sequence[object]) -> _Key:
    first = values[0] if values else None
    return len(values), first if isinstance(first, str) else None


def _discard(places: dict[_Key, dict[_What, None]], key: _Key, what: _What) -> bool:
    """An empty place goes as well: first values may be as many as there are tuples."""
    place = places.get(key, {})
    was_there = what in place
    place.pop(what, None)
    if not place:
        places.pop(key, None)
    return was_there

"""Which row of the scoreboard belongs to which frontend, pool and backend: names to numbers, for as long as we run."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Name = str | tuple[str, str]  # of a frontend or a pool; of a backend: its pool, its address


class TooManyRows(Exception):
    """More names than there are rows; the message says of what."""


class Rows:
    """The rows of one kind of thing. A name keeps its row while it is used, and gets it back if it returns soon.

    what: for the message. capacity: how many rows there are.
    A row given up is taken for another name only when no fresh one is left, and then the one given up longest ago:
    until 65,536 other backends have come and gone, whoever still finishes work under the old name counts it rightly.
    """

    def __init__(self, what: str, capacity: int) -> None:
        self._what = what
        self._capacity = capacity
        self._used: dict[Name, int] = {}
        self._former: OrderedDict[Name, int] = OrderedDict()
        self._fresh = 0  # no row from here on was ever given

    @property
    def used(self) -> Mapping[Name, int]:
        """What the rows now stand for."""
        return self._used

    @property
    def end(self) -> int:
        """Every row ever given is under this number."""
        return self._fresh

    def check(self, names: Collection[Name]) -> None:
        """Raises TooManyRows for more different names than there can be."""
        if len(names) > self._capacity:
            raise TooManyRows(f"{len(names)} {self._what}, and there is room for {self._capacity}")

    def assign(self, names: Iterable[Name]) -> list[int]:
        """`used` has exactly these names from now on. Returns the rows that stood for other names: to be zeroed.

        Raises TooManyRows; then nothing has changed.
        """
        wanted = dict.fromkeys(names)
        self.check(wanted)
        for name in [name for name in self._used if name not in wanted]:
            self._former[name] = self._used.pop(name)
        recycled = []
        for name in wanted:
            if name in self._used:
                continue
            row = self._former.pop(name, None)
            if row is None and self._fresh < self._capacity:
                row = self._fresh
                self._fresh += 1
            if row is None:
                _, row = self._former.popitem(last=False)
                recycled.append(row)
            self._used[name] = row
        return recycled

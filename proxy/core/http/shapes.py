"""What the heads of one client have in common, so that of the next one only the rest is read.

A client repeats its fields from request to request: another path, another identifier, and everything before and behind
that as it was. Of such a head the fields at its front and at its back are recognized by two comparisons, and what they
mean is known; only those between are taken apart: 2.7 us for a head of eleven fields, and 4.8 without.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from proxy.core.http.doorkeeper import Doorkeeper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from proxy.core.http.request import RequestHead

MAX_SHAPES = 512
LARGEST = 4096  # bytes of fields; twice that for each shape are at most 4 MiB
FEWEST = 3  # fields: with less in common nothing is saved
PRICE = 8  # heads that have to fit until it was worth to make their shape
FIRST_CREDIT = 10 * PRICE


class Shape:
    """front, back: fields as they came, with their CRLF, and the blank line with the last ones.
    before, behind: what the backend gets around those between: from the version to the front, and from the back on.
    count: how many fields. like: a head that has these only; every other means what it means.
    credit: how many heads fitted, less the price of making it. log_text: what the access log made of it.
    """

    __slots__ = ("back", "back_size", "before", "behind", "count", "credit", "front", "front_size", "like", "log_text")

    def __init__(self, front: Sequence[bytes], back: Sequence[bytes], like: RequestHead) -> None:
        self.front = b"".join(front)
        self.back = b"".join((*back, b"\r\n"))
        self.front_size = len(self.front)
        self.back_size = len(self.back)
        self.count = len(front) + len(back)
        self.like = like
        self.before = self.behind = b""
        self.credit = 0
        self.log_text = ""


class Shapes:
    """Of clients, by name. make: of fields at the front and at the back; None where these mean too much.

    A client's first head leaves a mark only, its second all its fields as a shape, and what does not fit makes the
    shape smaller. One whose heads have little in common, such as a proxy, is given up when that has cost too much.
    """

    __slots__ = ("_door", "_known", "_make", "find")

    def __init__(self, make: Callable[[list[bytes], list[bytes]], Shape | None]) -> None:
        self._make = make
        self._known: dict[str, Shape] = {}
        self._door = Doorkeeper()
        self.find = self._known.get

    def learn(self, client: str, lines: list[bytes]) -> None:
        """lines: the fields of a head that was read, and did not fit."""
        if len(lines) < FEWEST or sum(map(len, lines)) > LARGEST:
            return
        known = self._known.get(client)
        if known is None:
            if self._door.has_seen(client.encode()):
                self._keep(client, self._make(lines, []), FIRST_CREDIT)
        elif known.credit >= PRICE:
            front, back = _common(known, lines)
            self._keep(client, self._make(lines[:front], lines[len(lines) - back :]), known.credit - PRICE)

    def _keep(self, client: str, shape: Shape | None, credit: int) -> None:
        if shape is not None:
            if len(self._known) >= MAX_SHAPES:
                self._known.clear()
            shape.credit = credit
            self._known[client] = shape


def _common(shape: Shape, lines: list[bytes]) -> tuple[int, int]:
    """How many are the same at the front and at the back; all of these lines at the front, if there are too few."""
    known = [*shape.front.splitlines(True), *shape.back.splitlines(True)[:-1]]
    front = _same(known, lines)
    back = min(_same(reversed(known), reversed(lines)), len(lines) - front, len(known) - front)
    return (front, back) if front + back >= FEWEST else (len(lines), 0)


def _same(some: Iterable[bytes], others: Iterable[bytes]) -> int:
    """How many are the same, from the first on."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(some, others, strict=False)))

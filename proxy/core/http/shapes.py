"""What the heads of one client have in common, so that of the next one only the rest is read.

A client repeats its fields from request to request: another path, another identifier, and everything before and behind
that as it was. Of such a head the fields at its front and at its back are recognized by two comparisons, and what they
meant is known; only those between are taken apart: 4.0 us for a head of eleven fields, and 4.9 without.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from proxy.core.http.doorkeeper import Doorkeeper

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from proxy.core.http.field_lines import FieldLines

MAX_SHAPES = 512
LARGEST = 4096  # bytes of fields; twice that for each shape are at most 4 MiB
FEWEST = 3  # fields: with less in common nothing is saved
PRICE = 8  # heads that have to fit until it was worth to make their shape
FIRST_CREDIT = 10 * PRICE


class Shape:
    """front, back: fields as they came, with their CRLF, and the blank line with the last ones. front_passed_on,
    back_passed_on: what of them is. front_effects, back_effects: what they do to a head.
    count: how many fields. credit: how many heads fitted, less the price of its making.
    log_text: what the access log made of it and of logged_host, which is the Host of nearly all of its heads.
    """

    __slots__ = ("back", "back_effects", "back_passed_on", "back_size", "count", "credit", "front", "front_effects",
                 "front_passed_on", "front_size", "log_text", "logged_host")  # fmt: skip

    def __init__(self, fields: FieldLines, front: Sequence[bytes], back: Sequence[bytes], credit: int) -> None:
        self.front = b"".join(front)
        self.back = b"".join((*back, b"\r\n"))
        self.front_passed_on, self.front_effects = fields.meaning(front)
        self.back_passed_on, self.back_effects = fields.meaning(back)
        self.front_size = len(self.front)
        self.back_size = len(self.back)
        self.count = len(front) + len(back)
        self.credit = credit
        self.log_text = ""
        self.logged_host: bytes | None = None

    def own(self, data: bytes, start: int) -> bytes | None:
        """The lines between, of a head whose fields begin at `start`; None if it has another shape."""
        if data.startswith(self.front, start) and data.endswith(self.back):
            own = data[start + self.front_size : -self.back_size]
            # Or `X-A: 1` at the back would be found in `Not-X-A: 1`, and front and back could share lines.
            if own[-2:] == b"\r\n" or len(data) == start + self.front_size + self.back_size:
                return own
        return None


class Shapes:
    """Of clients, by name. fields: what lines mean.

    A client's first head leaves a mark only, its second all its fields as a shape, and what does not fit makes the
    shape smaller. One whose heads have little in common, such as a proxy, is given up when that has cost too much.
    """

    __slots__ = ("_door", "_fields", "_known", "find")

    def __init__(self, fields: FieldLines) -> None:
        self._fields = fields
        self._known: dict[str, Shape] = {}
        self._door = Doorkeeper()
        self.find = self._known.get

    def learn(self, client: str, lines: list[bytes]) -> None:
        """lines: of a head that was read, and did not fit."""
        if len(lines) < FEWEST or sum(map(len, lines)) > LARGEST:
            return
        shape = self._known.get(client)
        if shape is None:
            if self._door.has_seen(client.encode()):
                if len(self._known) >= MAX_SHAPES:
                    self._known.clear()
                self._known[client] = Shape(self._fields, lines, (), FIRST_CREDIT)
        elif shape.credit >= PRICE:
            self._known[client] = self._smaller(shape, lines)

    def _smaller(self, shape: Shape, lines: list[bytes]) -> Shape:
        known = [*shape.front.splitlines(True), *shape.back.splitlines(True)[:-1]]
        front = _same(known, lines)
        back = min(_same(reversed(known), reversed(lines)), len(lines) - front, len(known) - front)
        credit = shape.credit - PRICE
        if front + back < FEWEST:
            return Shape(self._fields, lines, (), credit)
        return Shape(self._fields, lines[:front], lines[len(lines) - back :], credit)


def _same(some: Iterable[bytes], others: Iterable[bytes]) -> int:
    """How many are the same, from the first on."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(some, others, strict=False)))

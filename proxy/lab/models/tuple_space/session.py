"""One connection to a tuple space: a JSON object on each line. Pure: `now` is an argument.

{"do": "write", "tuple": ["task", 1, "…"], "seconds": 30}     for so long; without it for ever
{"do": "take", "id": 7, "pattern": ["task", null, null]}       null stands for anything; waits; "seconds": for so long
{"do": "take", …, "lease": 5}                                  on trial: back after so long, or when we are gone
{"do": "read", "id": 8, "pattern": […]}                        a copy
{"do": "cancel", "id": 7}
{"do": "keep", "lease": 1}   {"do": "give back", "lease": 1}   {"do": "renew", "lease": 1, "seconds": 5}

Answers: {"id": 7, "tuple": […]}, with "lease": 1 where there is one; {"id": 7, "ended": "expired"}, or "cancelled".
Whatever else has an id is answered {"id": …, "done": true}; false for a lease that is over.
"""

from __future__ import annotations

import json
import math
from functools import partial
from typing import TYPE_CHECKING, Any

from proxy.lab.models.tuple_space.space import Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from proxy.lab.models.tuple_space.space import Lease, Space


class BadLine(ValueError):
    """Not what the protocol has; the message names it."""


class Session:
    """reply: called with whole lines."""

    def __init__(self, space: Space, reply: Callable[[bytes], None]) -> None:
        self._space, self._reply = space, reply
        self._held = b""
        self._waits: dict[object, Wait] = {}
        self._leases: set[int] = set()

    def feed(self, data: bytes, now: float) -> None:
        """Raises BadLine."""
        *lines, self._held = (self._held + data).split(b"\n")
        for line in lines:
            self._run(_parse(line), now)

    def end(self, now: float) -> None:
        """The connection has ended: what it waited for, others get, and what was leased to it."""
        self._reply = lambda data: None
        for wait in list(self._waits.values()):
            self._space.cancel(wait)
        for lease in self._leases:
            self._space.give_back(lease, now)

    def _run(self, order: dict[str, Any], now: float) -> None:
        do = order.get("do")
        if do in ("take", "read"):
            self._ask(order, now)
        elif do == "cancel":
            if (wait := self._waits.get(order.get("id"))) is not None:
                self._space.cancel(wait)
        else:
            done = self._write(order, now) if do == "write" else self._decide(do, order, now)
            if "id" in order:
                self._say({"id": order["id"], "done": done})

    def _write(self, order: dict[str, Any], now: float) -> bool:
        self._space.write(_values(order, "tuple"), now + _seconds(order, "seconds"), now)
        return True

    def _decide(self, do: object, order: dict[str, Any], now: float) -> bool:
        """What becomes of a lease."""
        lease = order.get("lease")
        if not isinstance(lease, int):
            raise BadLine(f"do {do!r}, lease {lease!r}")
        if do == "renew":
            return self._space.renew(lease, _seconds(order, "seconds"), now)
        self._leases.discard(lease)
        if do == "keep":
            return self._space.keep(lease)
        if do == "give back":
            return self._space.give_back(lease, now)
        raise BadLine(f"do {do!r}")

    def _ask(self, order: dict[str, Any], now: float) -> None:
        number = order.get("id")
        if not isinstance(number, int | str) or number in self._waits:
            raise BadLine(f"id {number!r} is none, or one that waits")
        wait = self._waits[number] = Wait(
            _values(order, "pattern"), order["do"] == "take", _seconds(order, "lease") if "lease" in order else None,
            now + _seconds(order, "seconds"), partial(self._found, number), partial(self._ended, number),
        )  # fmt: skip
        self._space.ask(wait, now)

    def _found(self, number: object, values: Sequence[object], lease: Lease | None) -> None:
        self._waits.pop(number, None)
        if lease is None:
            self._say({"id": number, "tuple": values})
        else:
            self._leases.add(lease.number)
            self._say({"id": number, "tuple": values, "lease": lease.number})

    def _ended(self, number: object, why: str) -> None:
        self._waits.pop(number, None)
        self._say({"id": number, "ended": why})

    def _say(self, answer: dict[str, Any]) -> None:
        self._reply(json.dumps(answer).encode() + b"\n")


def _parse(line: bytes) -> dict[str, Any]:
    try:
        order = json.loads(line)
    except ValueError as error:
        raise BadLine(f"no JSON: {error}") from None
    if not isinstance(order, dict):
        raise BadLine("no object")
    return order


def _values(order: dict[str, Any], name: str) -> Sequence[object]:
    values = order.get(name)
    if not isinstance(values, list):
        raise BadLine(f"{name} {values!r} is no list")
    return values


def _seconds(order: dict[str, Any], name: str) -> float:
    seconds = order.get(name, math.inf)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
        raise BadLine(f"{name} {seconds!r} is no number of seconds")
    return float(seconds)

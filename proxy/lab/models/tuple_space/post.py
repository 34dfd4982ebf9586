"""The gateway's side of a tuple space: it writes requests, and takes answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from proxy.lab.models.pull.broker import TIMEOUT
from proxy.lab.models.pull.peer import connect
from proxy.lab.models.tuple_space.words import ANSWERS, as_bytes, as_text, line

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.engine.reactor import Reactor

AHEAD = 2  # takes that wait at once: Rinda wakes all who wait, so that 8 made 250 requests/s of 350; here no matter


class SpacePost:
    """answered: told of each answer. gone: told when the space is gone."""

    def __init__(
        self, address: str, reactor: Reactor, answered: Callable[[int, bytes], None], gone: Callable[[], None]
    ) -> None:
        """Raises AddressError, OSError."""
        self._answered = answered
        self._peer = connect(address, reactor)
        self._peer.received, self._peer.ended = self._received, gone
        self._held = b""
        for number in range(AHEAD):
            self._take(number)

    def put(self, number: int, request: bytes, deadline: float) -> None:
        """It vanishes when nobody waits for the answer any more."""
        values = ["request", number, deadline, as_text(request)]
        self._peer.send(line({"do": "write", "tuple": values, "seconds": TIMEOUT}))

    def _take(self, number: int) -> None:
        self._peer.send(line({"do": "take", "id": number, "pattern": ANSWERS}))

    def _received(self, data: bytes) -> None:
        *lines, self._held = (self._held + data).split(b"\n")
        for text in lines:
            answer = json.loads(text)
            self._take(answer["id"])
            _, number, response = answer["tuple"]
            self._answered(number, as_bytes(response))

"""A worker's side of a tuple space: it takes a request, and writes the answer."""

from __future__ import annotations

import json
from typing import Any

import trio

from proxy.lab.models.pull.broker import BrokerGone, Job
from proxy.lab.models.pull.dial import Stream, dial
from proxy.lab.models.tuple_space.words import REQUESTS, as_bytes, as_text, line

_KEEP_ANSWER = 60.0  # seconds for which an answer that nobody takes stays
_GRACE = 2.0  # seconds for what was given to be read, and to be confirmed


class SpaceSource:
    """lease: seconds for which requests are taken on trial; None: for good, so that they die with us."""

    def __init__(self, stream: Stream, lease: float | None) -> None:
        self._stream = stream
        self._lease = {} if lease is None else {"lease": lease}
        self._held = b""
        self._unsent = b""
        self._number = 0
        self._is_waiting = False

    async def take(self) -> Job:
        self._number += 1
        self._is_waiting = True
        await self._send(line({"do": "take", "id": self._number, "pattern": REQUESTS, **self._lease}))
        return _job(await self._answer())

    def give(self, job: Job, response: bytes) -> None:
        """The lease is ended behind the answer: if we die in between, another worker answers as well, and the gateway
        drops that."""
        values = ["answer", job.number, as_text(response)]
        self._unsent += line({"do": "write", "tuple": values, "seconds": _KEEP_ANSWER})
        if self._lease:
            self._unsent += line({"do": "keep", "lease": job.ticket})

    async def leave(self) -> None:
        """A request that came too late is written again."""
        try:
            with trio.move_on_after(_GRACE):
                if self._is_waiting:
                    await self._give_up()
                await self._send(line({"do": "write", "id": 0, "tuple": ["left"], "seconds": 0}))
                await self._receive()
        finally:
            self._stream.close()

    async def _give_up(self) -> None:
        await self._send(line({"do": "cancel", "id": self._number}))
        answer = await self._answer()
        if "tuple" in answer:
            if self._lease:
                self._unsent += line({"do": "give back", "lease": answer["lease"]})
            else:
                self._unsent += line({"do": "write", "tuple": answer["tuple"]})

    async def _answer(self) -> dict[str, Any]:
        answer = await self._receive()
        self._is_waiting = False
        return answer

    async def _send(self, data: bytes) -> None:
        """All of it or nothing, so that it may be cancelled."""
        with trio.move_on_after(_GRACE, shield=True) as scope:
            try:
                await self._stream.send(self._unsent + data)
            except OSError:
                raise BrokerGone("the tuple space is gone") from None
        if scope.cancelled_caught:
            raise BrokerGone(f"the tuple space has read nothing for {_GRACE:g} s")
        self._unsent = b""

    async def _receive(self) -> dict[str, Any]:
        """The next line. Cancelling it loses nothing."""
        while b"\n" not in self._held:
            try:
                data = await self._stream.receive()
            except OSError:
                data = b""
            if not data:
                raise BrokerGone("the tuple space is gone")
            self._held += data
        text, _, self._held = self._held.partition(b"\n")
        answer: dict[str, Any] = json.loads(text)
        return answer


def _job(answer: dict[str, Any]) -> Job:
    _, number, deadline, request = answer["tuple"]
    return Job(number, deadline, as_bytes(request), answer.get("lease", 0))


async def open_space_source(address: str, *, lease: float | None) -> SpaceSource:
    """Raises AddressError, OSError."""
    return SpaceSource(await dial(address), lease)

"""Numbered worker processes that the lab itself keeps running: for models in which nobody else does."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import trio

from proxy.lab.deployment import DeployError, Worker
from proxy.lab.models.children import children

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from proxy.lab.models.children import Children, Running

PAUSE = 0.1  # seconds before a worker that has ended is started again: what systemd and rproxy begin with
RESTARTED = f"Who ends is started again by the lab, {PAUSE:g} s later."


class Start(Protocol):
    """Starts the process of worker `number`, with `Children.start(…, ended=ended)`. Raises DeployError."""

    def __call__(self, started: Children, number: int, ended: Callable[[Running], None]) -> Running: ...


@asynccontextmanager
async def crew(start: Start, count: int) -> AsyncIterator[Crew]:
    """Workers 1 to `count`, which are started when the block begins, and gone when it ends. Raises DeployError."""
    async with children() as started:
        team = Crew(started, start)
        try:
            team.begin(count)
            yield team
        finally:
            team.is_over = True


class Crew:
    """is_over: nobody is started any more."""

    def __init__(self, started: Children, start: Start) -> None:
        self.started = started
        self.start = start
        self.is_over = False
        self._seats: dict[int, _Seat] = {}

    def begin(self, count: int) -> None:
        """Those that are missing. Raises DeployError."""
        for number in range(len(self._seats) + 1, count + 1):
            seat = self._seats[number] = _Seat(self, number)
            self.started.nursery.start_soon(seat.keep)

    @property
    def running(self) -> Sequence[Running]:
        """The last process of each number, also if it has ended."""
        return [seat.running for seat in self._seats.values()]

    def workers(self) -> Sequence[Worker]:
        return [Worker(n, seat.running.pid) for n, seat in self._seats.items() if seat.running.status is None]

    def scale(self, count: int) -> None:
        """Those with the highest numbers are told to end. Raises DeployError."""
        for number in sorted(self._seats)[count:]:
            self._seats.pop(number).leave()
        self.begin(count)


class _Seat:
    """One number. running: its process, or the last one."""

    def __init__(self, team: Crew, number: int) -> None:
        self._team = team
        self._number = number
        self._is_leaving = False
        self._start()

    def _start(self) -> None:
        """Raises DeployError."""
        ended = trio.Event()
        self.running = self._team.start(self._team.started, self._number, lambda _: ended.set())
        self._ended = ended

    def leave(self) -> None:
        self._is_leaving = True
        self._team.started.nursery.start_soon(self._team.started.end, self.running)

    async def keep(self) -> None:
        """Until it is to leave."""
        while True:
            await self._ended.wait()
            await self._team.started.end(self.running)  # what it has started may be left
            await trio.sleep(PAUSE)
            if self._is_leaving or self._team.is_over:
                return
            try:
                self._start()
            except DeployError:
                pass  # no more processes or descriptors: that passes

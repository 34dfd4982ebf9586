"""Which data planes still have work of a backend that drains or was removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from proxy.core.statistics import Life

LOOK = 0.05  # seconds; data planes look ten times a second

Name = tuple[str, str]  # a pool and one of its backends


class Emptying:
    """lives: of the workers, as of now."""

    def __init__(self, lives: Callable[[], Iterable[Life]]) -> None:
        self._lives = lives
        self._missing: dict[Name, dict[int, int]] = {}  # numbers and pids of workers that have not said so

    def begin(self, name: Name) -> None:
        """All data planes are about to be told that it gets no new work."""
        self._missing[name] = {life.number: life.pid for life in self._lives()}

    def heard(self, name: Name, worker: int) -> None:
        """A worker has none of its work any more."""
        self._missing.get(name, {}).pop(worker, None)

    def is_empty(self, name: Name) -> bool:
        """A worker that died since has nothing, and its successor never had."""
        missing = self._missing.get(name, {})
        alive = {(life.number, life.pid) for life in self._lives()}
        return not any(worker in alive for worker in missing.items())

    async def wait(self, name: Name, seconds: float) -> bool:
        """Until it is empty, or so many seconds; whether it is."""
        with trio.move_on_after(seconds):
            while not self.is_empty(name):  # noqa: ASYNC110 - the death of a worker is no event of ours
                await trio.sleep(LOOK)
        return self.is_empty(name)

    def end(self, name: Name) -> None:
        """Nobody waits any more."""
        self._missing.pop(name, None)

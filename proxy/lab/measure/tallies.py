"""What was seen of workers at one look after the other, added up by the number of the worker.

is_first, of each: what the first look sees was there before, and is not of what is watched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from proxy.lab.measure.server_ends import ServerEnd


@dataclass(slots=True)
class _Seen:
    """One connection. first, last: segments that had come in at these looks; None if nobody counts."""

    worker: int
    first: int | None
    last: int | None


class Connections:
    """Each once, also when it is over."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, str], _Seen] = {}

    def add(self, worker: int, end: ServerEnd, *, is_first: bool) -> None:
        before = end.segments if is_first or end.segments is None else 0
        seen = self._seen.setdefault((end.inode, end.peer), _Seen(worker, before, end.segments))
        seen.last = end.segments

    @property
    def are_counted(self) -> bool:
        """Whether all of them tell what came in."""
        return all(seen.last is not None for seen in self._seen.values())

    def number(self) -> dict[int, int]:
        return sums((seen.worker, 1) for seen in self._seen.values())

    def work(self) -> dict[int, int]:
        """Segments that came in; one for a connection that does not count them."""
        return sums(
            (seen.worker, 1 if seen.last is None else seen.last - (seen.first or 0)) for seen in self._seen.values()
        )

    def by_peer(self) -> dict[str, int]:
        """The worker of each, by the name of its client's end."""
        return {peer: seen.worker for (_, peer), seen in self._seen.items()}


@dataclass(slots=True)
class _Process:
    worker: int
    first: float
    last: float


class BusyTimes:
    """CPU time of each worker's processes; one that was started later has used all of its time here."""

    def __init__(self) -> None:
        self._processes: dict[int, _Process] = {}

    def add(self, worker: int, pid: int, used: float, *, is_first: bool) -> None:
        process = self._processes.setdefault(pid, _Process(worker, used if is_first else 0.0, used))
        process.last = max(process.last, used)

    def busy(self) -> dict[int, float]:
        return sums((process.worker, process.last - process.first) for process in self._processes.values())

    def pids(self) -> dict[int, int]:
        """The latest of each worker."""
        return {process.worker: pid for pid, process in self._processes.items()}


class ToldRequests:
    """requests: None as long as nobody has told any."""

    def __init__(self) -> None:
        self.requests: dict[int, int] | None = None
        self._last: Mapping[int, int] = {}

    def add(self, told: Mapping[int, int] | None, *, is_first: bool) -> None:
        """A worker that is told no more keeps what it had, and one whose count is less than before was replaced by one
        that began at nothing."""
        if told is None:
            return
        self.requests = self.requests or {}
        for number, count in told.items():
            before = self._last.get(number, count if is_first else 0)
            self.requests[number] = self.requests.get(number, 0) + (count - before if count >= before else count)
        self._last = told


def sums(pairs: Iterable[tuple[int, Any]]) -> dict[int, Any]:
    """Of the amounts of each number."""
    found: dict[int, Any] = {}
    for number, amount in pairs:
        found[number] = found.get(number, 0) + amount
    return found

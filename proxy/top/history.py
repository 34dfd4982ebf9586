"""What the counters of the last minute did: rates, points for small charts, and times of the last seconds."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from proxy.top.quantiles import since

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.statistics import FrontendStatistics, Histogram, PoolStatistics, Statistics

Key = tuple[str | int, ...]
"""("backend", "app", "127.0.0.1:9001", "picked"): tuples, so that no name can end another's."""

KEPT = 60  # points, one a second: as wide as a chart in a terminal may be
SMOOTH = 5.0  # seconds that a rate is the mean of; one second alone jumps with the reports of workers
WINDOW = 10.0  # seconds of which times are told, as those of backends are


class _Snapshot(NamedTuple):
    now: float
    counters: dict[Key, int]
    totals: dict[str, Histogram]


class History:
    """Of one process only, since the counters of another begin anew. What was not there yet counts as 0."""

    def __init__(self) -> None:
        self._pid = 0
        self._kept: deque[_Snapshot] = deque(maxlen=KEPT + 1)

    def add(self, statistics: Statistics) -> None:
        """One told again, or one older than the last, changes nothing."""
        if statistics.pid != self._pid:
            self._kept.clear()
            self._pid = statistics.pid
        if self._kept and statistics.now <= self._kept[-1].now:
            return
        totals = {one.name: one.phases["total"] for one in statistics.frontends if "total" in one.phases}
        self._kept.append(_Snapshot(statistics.now, dict(_counters(statistics)), totals))

    def rate(self, *key: str | int) -> float | None:
        """Per second; None before the second snapshot."""
        if len(self._kept) < 2:
            return None
        return _slope(self._back(SMOOTH), self._kept[-1], key)

    def series(self, *key: str | int) -> list[float]:
        """Per second, oldest first; at most `KEPT`."""
        return [_slope(older, newer, key) for older, newer in pairwise(self._kept)]

    def seen(self, *key: str | int) -> int:
        """How many since the oldest snapshot that is kept, up to a minute ago."""
        if not self._kept:
            return 0
        return max(0, self._kept[-1].counters.get(key, 0) - self._kept[0].counters.get(key, 0))

    def times(self, frontend: str) -> Histogram | None:
        """How long its exchanges of the last ten seconds took in all; None where that is not known."""
        if len(self._kept) < 2 or frontend not in self._kept[-1].totals:
            return None
        return since(self._back(WINDOW).totals.get(frontend), self._kept[-1].totals[frontend])

    def _back(self, seconds: float) -> _Snapshot:
        """The oldest within so many seconds of the newest, but never the newest itself."""
        newest, last = self._kept[-1], self._kept[-2]
        return next(one for one in self._kept if one is last or one.now >= newest.now - seconds)


def _slope(older: _Snapshot, newer: _Snapshot, key: Key) -> float:
    return max(0, newer.counters.get(key, 0) - older.counters.get(key, 0)) / (newer.now - older.now)


def _counters(statistics: Statistics) -> Iterator[tuple[Key, int]]:
    for frontend in statistics.frontends:
        yield from _of_frontend(frontend)
    for pool in statistics.pools:
        yield from _of_pool(pool)
    for worker in statistics.workers:
        yield ("worker", worker.number, "exchanges"), worker.exchanges


def _of_frontend(frontend: FrontendStatistics) -> Iterator[tuple[Key, int]]:
    key = ("frontend", frontend.name)
    yield (*key, "exchanges"), frontend.exchanges
    yield (*key, "bytes_out"), frontend.bytes_out
    yield (*key, "5xx"), server_errors(frontend.statuses)
    for reason, count in frontend.reasons.items():
        yield (*key, "reason", reason), count


def _of_pool(pool: PoolStatistics) -> Iterator[tuple[Key, int]]:
    for backend in pool.backends:
        key = ("backend", pool.name, backend.address)
        yield (*key, "picked"), backend.picked
        yield (*key, "5xx"), server_errors(backend.statuses)


def server_errors(statuses: dict[str, int]) -> int:
    return sum(count for status, count in statuses.items() if status.startswith("5"))

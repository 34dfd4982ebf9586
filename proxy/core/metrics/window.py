"""Times of the last seconds, for percentiles that follow what happens now."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from proxy.core.metrics.times import percentiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LENGTH = 10.0  # seconds: long enough for a p99 of something, short enough to see that it has passed


class Window:
    """Buckets of `Times`, forgotten LENGTH after they were told."""

    __slots__ = ("_counts", "_parts")

    def __init__(self) -> None:
        self._parts: deque[tuple[float, Mapping[int, int]]] = deque()
        self._counts: Counter[int] = Counter()

    def add(self, counts: Mapping[int, int], now: float) -> None:
        """now: monotonic seconds, as in `percentiles`."""
        self._forget(now)
        self._parts.append((now, counts))
        self._counts.update(counts)

    def percentiles(self, shares: Iterable[float], now: float) -> list[float] | None:
        """As `times.percentiles`."""
        self._forget(now)
        return percentiles(self._counts, shares)

    def _forget(self, now: float) -> None:
        while self._parts and self._parts[0][0] <= now - LENGTH:
            self._counts -= Counter(self._parts.popleft()[1])  # drops what is 0

"""Which backends are ejected for how they do their work, and for how long. No I/O.

    failing    its answers failed several times in a row; nobody knows yet whether that is its own fault
    ejected    it fails while another of its pool does not: it is out of service for a time that grows

Source: Envoy's outlier detection, with one thing changed: an ejection there asks only how many are ejected already, so
that a fault which all backends share, a database that is down, takes out as many as may be, and helps nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection

    from proxy.core import config

MOST_DOUBLINGS = 30  # a day of 86.4 million ms is 27: from the shortest to the longest time that makes sense


class Ejection:
    """What one backend has done. Times are seconds of any clock that does not go back.

    failing_since: since when its answers fail, None while they do not. ends_at: of the ejection, None outside of one.
    """

    __slots__ = ("_doublings", "_returned_at", "count", "ends_at", "failing_since", "reason")

    def __init__(self) -> None:
        self.failing_since: float | None = None
        self.reason = ""
        self.ends_at: float | None = None
        self.count = 0
        self._doublings = 0
        self._returned_at = 0.0

    @property
    def is_failing(self) -> bool:
        return self.failing_since is not None

    @property
    def is_ejected(self) -> bool:
        return self.ends_at is not None

    def failed(self, reason: str, now: float) -> None:
        """As many answers in a row as it takes were bad ones."""
        self.reason = reason
        if self.failing_since is None:
            self.failing_since = now

    def answered(self) -> None:
        """A good answer ended the row. An ejection lasts: what still ran when it began says nothing of what comes."""
        self.failing_since = None

    def eject(self, settings: config.Ejection, now: float) -> float:
        """For how many seconds: twice as long as the last time, less one doubling for each `first_time` in service."""
        if self.count:
            self._doublings -= int(min((now - self._returned_at) / settings.first_time, MOST_DOUBLINGS))
        self._doublings = max(self._doublings, 0)
        seconds = min(settings.first_time * 2.0**self._doublings, settings.longest_time)
        self._doublings = min(self._doublings + 1, MOST_DOUBLINGS)
        self.count += 1
        self.ends_at = now + seconds
        return seconds

    def end(self, now: float) -> None:
        """It comes back, and what failed before is forgotten but for its doublings."""
        self.ends_at = None
        self.failing_since = None
        self._returned_at = now


C = TypeVar("C")


def outliers(in_service: Collection[tuple[C, Ejection]], *, backends: int, ejected: int, max_percent: int) -> list[C]:
    """Those to eject now: they fail while at least one other in service does not. Who has failed longest goes first.

    in_service: backends that get work, with what they have done. backends: of the whole pool; ejected: of them, now.
    """
    failing = [(since, who) for who, ejection in in_service if (since := ejection.failing_since) is not None]
    if len(failing) == len(in_service):
        return []
    most = max(1, backends * max_percent // 100) if max_percent else 0
    failing.sort(key=lambda pair: pair[0])
    return [who for _, who in failing[: max(most - ejected, 0)]]

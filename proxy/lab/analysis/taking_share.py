"""When workers that came later have their share of the work, and how much they have at the end."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

PART = 0.5  # of an even share is a share: in a second of chance nobody has exactly his


class Done(NamedTuple):
    """at: seconds, ascending. work: of each worker until then, in any unit; one who is not there has done nothing."""

    at: float
    work: Mapping[int, float]


def share_of(new: Collection[int], begin: Done, end: Done) -> float | None:
    """Of the work between these two, what the new ones did; None if there was none."""
    total = sum(end.work.values()) - sum(begin.work.values())
    return _by(new, begin, end) / total if total > 0 else None


def seconds_to_share(done: Sequence[Done], new: Collection[int], start: float, window: float) -> float | None:
    """From `start` until new workers are seen to work, and from then on for `window` seconds do at least half of what
    would be an even share. None if that never came, or if nobody looked for a whole window."""
    workers = len({number for look in done for number in look.work})
    for before, begin in pairwise(done):
        end = next((look for look in done if look.at >= begin.at + window), None)
        if end is None:
            return None
        if begin.at < start or not _by(new, before, begin):
            continue
        found = share_of(new, begin, end)
        if found is not None and found >= PART * len(new) / workers:
            return begin.at - start
    return None


def _by(new: Collection[int], begin: Done, end: Done) -> float:
    return sum(end.work.get(number, 0.0) - begin.work.get(number, 0.0) for number in new)

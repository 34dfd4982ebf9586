"""When workers that came later have their share of the work, and how much they have at the end."""

from __future__ import annotations

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
    theirs = sum(end.work.get(number, 0.0) - begin.work.get(number, 0.0) for number in new)
    return theirs / total if total > 0 else None


def seconds_to_share(done: Sequence[Done], new: Collection[int], start: float, window: float) -> float | None:
    """From `start` until the moment from which on, for `window` seconds, the new workers did at least half of what
    would have been an even share. None if that never came, or if nobody looked for a whole window."""
    looks = [look for look in done if look.at >= start]
    workers = len({number for look in looks for number in look.work})
    for begin in looks:
        end = next((look for look in looks if look.at >= begin.at + window), None)
        if end is None:
            return None
        found = share_of(new, begin, end)
        if found is not None and found >= PART * len(new) / workers:
            return begin.at - start
    return None

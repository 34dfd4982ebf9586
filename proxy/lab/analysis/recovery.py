"""When a deployment is itself again after a fault."""

from __future__ import annotations

from math import sqrt
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.results import Slot

CALM = 5  # slots in a row that must be as before: 0.5 s
SLOWER = 2.0  # times the median latency of before that still counts as the same …
LEAST = 0.005  # … and seconds more, as a machine does other things too
DEVIATIONS = 4.0  # of a Poisson count: below that too little was answered, and nothing is always too little


def is_served(timeline: Sequence[Slot], end: float) -> bool:
    """Whether anybody was answered without others being failed in the half second before `end`."""
    last = [slot for slot in timeline if end - 0.1 * CALM - 1e-9 <= slot.at < end - 1e-9]
    return any(slot.completed and not slot.errors for slot in last)


def recovery(timeline: Sequence[Slot], fault: float, end: float) -> float | None:
    """Seconds from `fault` until answers come as before it: no errors, the median latency at most twice the usual, and
    as many as usual, for half a second on end. None if they do not until `end`, seconds from the beginning of the load.
    To a tenth of a second: 0.0 if nobody could tell that anything had happened."""
    before = [slot for slot in timeline if slot.at + 0.1 <= fault]
    after = [slot for slot in timeline if fault < slot.at + 0.1 and slot.at + 0.1 <= end + 1e-9]
    if not before:
        return None
    usual = median(slot.completed for slot in before)
    least = max(usual - DEVIATIONS * sqrt(usual), min(usual, 1.0))
    slowest = SLOWER * median(slot.p50 for slot in before) + LEAST
    calm = 0
    for slot in after:
        is_calm = not slot.errors and slot.completed >= least and slot.p50 <= slowest
        calm = calm + 1 if is_calm else 0
        if calm == CALM:
            return max(round(slot.at - 0.1 * (CALM - 1) - fault, 3), 0.0)
    return None

"""What somebody may want most of all, and who is best at it."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from proxy.lab.analysis.words import value_text
from proxy.lab.figures import FIGURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.analysis.bootstrap import Estimate
    from proxy.lab.analysis.summary import Summary, Way


@dataclass(frozen=True, slots=True)
class Wish:
    """text: what is wanted, with the unit of its figure in `figures.py`. enough: a difference that is worth another
    choice, as a share of the better value; absolute: and at least so much."""

    text: str
    scenario: str
    figure: str
    enough: float = 0.25
    absolute: float = 0.0


WISHES = (
    Wish("nothing lost when a worker dies", "crash", "failed", 0.0, 0.5),
    Wish("answers as before soonest after that", "crash", "recovery", 0.25, 0.2),
    Wish("started again however often it dies", "crash-loop", "missing", 0.0, 0.4),
    Wish("nothing lost when workers are restarted", "restart", "failed", 0.0, 0.5),
    Wish("the shortest tail at an ordinary load", "latency", "p99", 0.25, 0.001),
    Wish("fast requests quick beside slow ones", "slow", "fast_p99", 0.25, 0.001),
    Wish("the shortest tail in bursts", "burst", "p99", 0.25, 0.001),
    Wish("most requests a second", "capacity", "requests_per_second", 0.1),
    Wish("connections spread most evenly", "fairness", "jain_connections", 0.1),
    Wish("long connections spread most evenly", "long", "jain_connections", 0.1),
    Wish("new workers at work soonest", "scale", "share_after", 0.25, 0.2),
    Wish("least memory", "footprint", "memory", 0.1),
    Wish("least CPU time for a request", "footprint", "cpu_per_request", 0.1),
)


@dataclass(frozen=True, slots=True)
class Need:
    """way: who is best at it; the chosen one where it is as good. value: its figure in words. chosen: that of
    the way that the verdict is for; empty where it has none. is_other: the best is clearly better at it than that."""

    wish: Wish
    way: Way
    value: str
    chosen: str
    is_other: bool


def needs(summary: Summary, order: Sequence[Way]) -> tuple[Need, ...]:
    """Of every wish that was measured for two ways or more, and that one of them fulfils. order: as ranked, the
    chosen one first."""
    found = []
    for wish in WISHES:
        suited = [way for way in order if not wish.figure.startswith("jain") or _has_workers(summary, way, wish)]
        values = [(way, summary.estimate(way, wish.scenario, wish.figure)) for way in suited]
        known = [(way, value) for way, value in values if value is not None]
        if len(known) > 1 and any(value.median < inf for _, value in known):
            found.append(_need(wish, known, order[0]))
    return tuple(found)


def _has_workers(summary: Summary, way: Way, wish: Wish) -> bool:
    """More than one, without which all is even."""
    return any(len(result.shares) > 1 for result in summary.results(way, wish.scenario))


def _need(wish: Wish, known: Sequence[tuple[Way, Estimate]], chosen: Way) -> Need:
    """The chosen one where it is as good as the best, else the best, and the first ranked of several."""
    sign = -1 if FIGURES[wish.figure].better == "more" else 1
    best = min((value for _, value in known), key=lambda value: sign * value.median)
    own = dict(known).get(chosen)
    if own is not None and not _is_behind(wish, own, best):
        best = own
    way = next(way for way, value in known if value is best)
    unit = FIGURES[wish.figure].unit
    return Need(
        wish,
        way,
        value_text(best.median, unit),
        value_text(own.median, unit) if own else "",
        is_other=way != chosen,
    )


def _is_behind(wish: Wish, value: Estimate, best: Estimate) -> bool:
    """A single run of each: by twice as much."""
    allowed = max(wish.enough * best.median, wish.absolute)
    is_alone = min(value.repetitions, best.repetitions) < 2
    return abs(value.median - best.median) > (2 if is_alone else 1) * allowed and (is_alone or not value.overlaps(best))

"""Which way is best, by a rule that can be told in one breath.

In rounds, one question each, the gravest first: what fails at an ordinary load, who is not started again, what is lost
when workers die and are restarted, the tail of latency, capacity, memory. In each round those that are clearly worse
than the best of it drop out. Clearly worse: by more than the round lets pass, and with intervals that do not overlap;
what was counted, failures and losses, is compared by its mean alone, since a loss that was seen is no chance.
The last one left is the best, or of several that nothing tells apart the one that is listed first; those that dropped
out in the same round are in the order of what they dropped out for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from statistics import fmean
from typing import TYPE_CHECKING, Literal

from proxy.lab.analysis.bootstrap import Estimate, estimate
from proxy.lab.figures import Unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.analysis.summary import Summary, Way

ALONE = 2.0  # a single run of each has no interval: its difference counts from twice what a round lets pass
FAULTS = ("crash", "restart")
FEW = 2.0  # requests that may fail at an ordinary load
NONE = 0.4  # of what is lost by faults, for each run: less than one in two
FEW_OF = 0.0005  # or this share of all, where that is more


@dataclass(frozen=True, slots=True)
class Round:
    """title: of a column. question: as the report asks it. says: what a way does, with its figure at {}. relative,
    absolute: what it lets pass, as a share of the best and in its own unit, whichever is more.
    is_fact: what was counted, so that its mean stands for it, and no overlap of intervals excuses it: with few runs an
    interval reaches to 0 as soon as one of them was lucky."""

    title: str
    question: str
    says: str
    unit: Unit
    better: Literal["more", "less"]
    relative: float
    absolute: float
    scenarios: tuple[str, ...]
    figure: str
    is_fact: bool = False

    def allowed(self, best: float) -> float:
        return max(self.relative * best, self.absolute)


_Bounds = tuple[Unit, Literal["more", "less"], float, float]
_MANY: _Bounds = ("per second", "more", 0.1, 0.0)
_SHORT: _Bounds = ("seconds", "less", 0.25, 0.001)
ROUNDS = (
    Round(
        "fails", "What fails at an ordinary load?",
        "fails {} at an ordinary load", "requests", "less", 0.0, FEW, ("latency",), "failed", is_fact=True,
    ),
    Round(
        "gone", "Who is not started again after dying often?",
        "is short of {} workers when one has died often", "processes", "less", 0.0, NONE, ("crash-loop",), "missing",
        is_fact=True,
    ),
    Round(
        "lost", "What is lost when a worker dies, and when all are restarted?",
        "loses {} when workers die or are restarted", "requests", "less", 0.0, NONE, FAULTS, "failed", is_fact=True,
    ),
    Round(
        "p99", "How long do 99 % of the requests take at most?",
        "answers 99 % of the requests within {}", *_SHORT, ("latency",), "p99",
    ),
    Round(
        "fast p99", "And 99 % of the fast ones, while 1 % of all are slow?",
        "answers 99 % of the fast requests within {} while 1 % of all are slow", *_SHORT, ("slow",), "fast_p99",
    ),
    Round(
        "capacity", "How many can it answer in a second?",
        "answers {} at most", *_MANY, ("capacity",), "requests_per_second",
    ),
    Round(
        "memory", "How much memory does it take?",
        "takes {} of memory", "bytes", "less", 0.1, 2.0**20, ("footprint",), "memory",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Value:
    """Of one way in one round. estimate: None where it was not measured; unknown then says whether that speaks against
    it ("not measured") or not (its generator was too slow for it)."""

    way: Way
    estimate: Estimate | None
    unknown: str = ""
    is_excused: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one round. allowed: what it let pass, in its unit. kept, dropped: from the best to the worst."""

    round: Round
    best: Value
    allowed: float
    kept: tuple[Value, ...]
    dropped: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """order: from the best. outcomes: of the rounds that had something to tell apart. level: those that no round told
    apart from the best."""

    order: tuple[Way, ...]
    outcomes: tuple[Outcome, ...]
    level: tuple[Way, ...]

    def dropped_in(self, way: Way) -> Outcome | None:
        return next((one for one in self.outcomes if any(value.way == way for value in one.dropped)), None)


def rank(summary: Summary) -> Ranking:
    """Of those that answered an ordinary load or one at capacity, in the kernel as it was found."""
    left = [way for way in summary.ways if _answers(summary, way)]
    outcomes: list[Outcome] = []
    order: list[Way] = []
    for judged in ROUNDS:
        outcome = _play(judged, [value_of(judged, summary, way) for way in left], _allowed_losses(summary))
        if outcome is None:
            continue
        outcomes.append(outcome)
        left = [value.way for value in outcome.kept]
        order[:0] = [value.way for value in outcome.dropped]
    left = [way for way in summary.ways if way in left]
    return Ranking((*left, *order), tuple(outcomes), tuple(left[1:]))


def _answers(summary: Summary, way: Way) -> bool:
    return any(
        "requests_per_second" in result.figures or "p99" in result.figures
        for scenario in ("latency", "capacity")
        for result in summary.results(way, scenario)
    )


def value_of(judged: Round, summary: Summary, way: Way) -> Value:
    """The sum over its scenarios, each at its median, or its mean for facts; endless where workers cannot be restarted
    at all. What has no worker to kill loses none."""
    found: list[Estimate] = []
    for scenario in judged.scenarios:
        one = summary.estimate(way, scenario, judged.figure)
        if one is not None:
            found.append(one)
        elif scenario == "restart" and summary.cannot(way, scenario):
            return Value(way, estimate([inf]), summary.cannot(way, scenario))
        elif why := summary.invalid(way, scenario):
            return Value(way, None, why, is_excused=True)
    if not found:
        why = next(filter(None, (summary.cannot(way, scenario) for scenario in judged.scenarios)), "")
        return Value(way, None, why or "not measured", is_excused=bool(why))
    total = _sum(found)
    return Value(way, replace(total, median=fmean(total.values)) if judged.is_fact else total)


def _sum(found: Sequence[Estimate]) -> Estimate:
    """With the intervals added up: wider than that of the sum, so that it tells apart less."""
    if len(found) == 1:
        return found[0]
    values = tuple(map(sum, zip(*(one.values for one in found), strict=False)))
    low, middle, high = (sum(getattr(one, name) for one in found) for name in ("low", "median", "high"))
    return Estimate(values, middle, low, high)


def _allowed_losses(summary: Summary) -> float:
    """Of the longest load, since a share of few requests is less than one."""
    return max((FEW_OF * result.figures.get("intended", 0) for result in summary.comparison.results), default=0.0)


def _play(judged: Round, values: Sequence[Value], losses: float) -> Outcome | None:
    """None where there is nothing to tell apart by."""
    if len(values) < 2:
        return None
    ordered = sorted(values, key=lambda value: _badness(judged, value))
    best = ordered[0]
    if best.estimate is None or best.estimate.median in (inf, -inf):
        return None
    allowed = judged.allowed(best.estimate.median)
    if judged.unit == "requests":
        allowed = max(allowed, losses)
    dropped = [value for value in ordered if is_clearly_worse(judged, value, best.estimate, allowed)]
    kept = [value for value in ordered if value not in dropped]
    return Outcome(judged, best, allowed, tuple(kept), tuple(dropped))


def _badness(judged: Round, value: Value) -> float:
    if value.estimate is None:
        return inf
    return value.estimate.median if judged.better == "less" else -value.estimate.median


def is_clearly_worse(judged: Round, value: Value, best: Estimate, allowed: float) -> bool:
    """What was not measured is, unless that speaks for it."""
    found = value.estimate
    if found is None:
        return not value.is_excused
    behind = found.median - best.median if judged.better == "less" else best.median - found.median
    if judged.is_fact:
        return behind > allowed
    if min(found.repetitions, best.repetitions) < 2:
        return behind > ALONE * allowed
    return behind > allowed and not found.overlaps(best)

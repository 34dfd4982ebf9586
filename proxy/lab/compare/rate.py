"""The rate of open loops, the same for all: so high that work has to wait where it is spread badly, and within what
nearly all of the ways can do, for beyond its capacity a queue only grows and its latency is that of the run's length.

Measured is the capacity of a few that stand for many: a proxy, which costs what a hop costs, and a queue, which costs
two. The rate is half of the least of theirs, or MOST, if that is less. A single process is asked only where there is
nobody else: it has one worker where the others have N. So is a process per connection, which does a hundredth of what
all others do: at half of its rate, nothing would ever wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from proxy.lab.compare.planning import Candidate

SHARE = 0.5
STAND_FOR_MANY = ("proxy-tcp", "queue")
FEW = 3  # so many are all measured
APART = ("direct", "systemd-accept")
# Our generator needs 40 us of a processor for each request. On two processors, for clients and all that is measured, it
# waited for one 46 % of the time at 12,000 requests a second, and was late by longer than the latency.
MOST = 2000.0
UNKNOWN = 100.0  # requests per second, when nothing could be measured


def calibrators(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Whose capacity is to be measured first."""
    asked = [one for one in candidates if one.kind == "http" and one.stands_for]
    several = [one for one in asked if one.model not in APART] or asked
    return [one for one in several if one.model in STAND_FOR_MANY] or several[:FEW]


def choose_rate(capacities: Mapping[str, float]) -> tuple[float, str]:
    """Requests per second, and why, in words that follow the number. capacities: by model; 0 where it could not be
    measured."""
    known = {model: capacity for model, capacity in capacities.items() if capacity > 0}
    if not known:
        return UNKNOWN, "by default, as no capacity could be measured"
    rate = _rounded(min(SHARE * min(known.values()), MOST))
    told = ", ".join(f"{model} {capacity:,.0f}/s" for model, capacity in sorted(known.items(), key=lambda kv: kv[1]))
    how = "half of" if rate < MOST else "what the generator can do at ease, below half of"
    return rate, f"{how} the least capacity of {told}"


def _rounded(rate: float) -> float:
    """To two digits."""
    return float(f"{rate:.2g}")

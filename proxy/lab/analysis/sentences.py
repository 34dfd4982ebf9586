"""The sentences of a verdict."""

from __future__ import annotations

from math import inf
from statistics import fmean
from typing import TYPE_CHECKING

from proxy.lab.analysis.words import count_text, time_text, value_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.analysis.bootstrap import Estimate
    from proxy.lab.analysis.ranking import Outcome, Ranking, Value
    from proxy.lab.analysis.summary import Summary, Way

NAMED = 3  # of those that dropped out; the others are counted
WHEN = {"crash": "when a worker dies", "burst": "in bursts"}
CAUSES = {
    "refused": "refused, since nobody listened",
    "reset": "reset, on connections that the dead worker held or had not accepted yet",
    "timeout": "without an answer in time",
    "closed": "cut off",
    "unsent": "not sent, since no connection was free in time",
    "backlog-full": "refused by a full backlog",
    "no-socket": "refused, since the socket was gone",
}


def headline(ranking: Ranking, deploy: Way) -> str:
    if len(ranking.order) == 1:
        return f"{deploy} is the only way that was measured."
    return f"Deploy {deploy}."


def reason(summary: Summary, outcome: Outcome, deploy: Way) -> str:
    """What the one to deploy does better, and who dropped out with what figure."""
    own = next(value for value in outcome.kept if value.way == deploy)
    told = [f"{value.way} {_figure(summary, outcome, value)}" for value in outcome.dropped[:NAMED]]
    more = f" and {len(outcome.dropped) - NAMED} more" if len(outcome.dropped) > NAMED else ""
    others = f"{', '.join(told)}{more}.{_why(summary, outcome)}"
    if own.estimate is None:
        return f"Clearly worse than the best in {outcome.round.title}, while that of {deploy} is not known: {others}"
    return f"{deploy} {outcome.round.says.format(_figure(summary, outcome, own))}; {others}"


def _figure(summary: Summary, outcome: Outcome, value: Value) -> str:
    """ "4.2 ms (3.9 to 4.4)", "31 of 12,000"; the interval only where it is one."""
    found, unit = value.estimate, outcome.round.unit
    if found is None:
        return f"is not known ({value.unknown})"
    if found.median == inf:
        return f"all ({value.unknown})" if value.unknown else "never"
    text = value_text(found.median, unit)
    if unit == "requests" and (total := _intended(summary, outcome, value.way)):
        text += f" of {count_text(total)} requests"
    if found.low == found.high:
        return text
    return f"{text} ({value_text(found.low, unit)} to {value_text(found.high, unit)})"


def _intended(summary: Summary, outcome: Outcome, way: Way) -> float:
    found = (summary.estimate(way, scenario, "intended") for scenario in outcome.round.scenarios)
    total = sum(fmean(one.values) if outcome.round.is_fact else one.median for one in found if one is not None)
    return float(round(total))


def _why(summary: Summary, outcome: Outcome) -> str:
    """Of losses: by cause, of the first that dropped out with some."""
    if outcome.round.unit != "requests":
        return ""
    for value in outcome.dropped:
        errors: dict[str, int] = {}
        for scenario in outcome.round.scenarios:
            for cause, count in summary.errors(value.way, scenario).items():
                errors[cause] = errors.get(cause, 0) + count
        if errors:
            causes = sorted(errors.items(), key=lambda one: -one[1])[:2]
            told = " and ".join(f"{count:,} {CAUSES.get(cause, cause)}" for cause, count in causes)
            return f" Of {value.way} in all repetitions: {told}."
    return ""


def runner_up(summary: Summary, ranking: Ranking, way: Way) -> str:
    outcome = ranking.dropped_in(way)
    if outcome is None:
        return f"{way}: no round told it apart from the first."
    value = next(value for value in outcome.dropped if value.way == way)
    best = next(value for value in outcome.kept if value.way == ranking.order[0])
    title = {"requests": "failed requests", "seconds": outcome.round.title}.get(outcome.round.unit, outcome.round.title)
    return f"{way}: behind in {title}, {_figure(summary, outcome, value)} against {_figure(summary, outcome, best)}."


def few_repetitions(repetitions: int, many: int) -> list[str]:
    if repetitions >= many:
        return []
    if repetitions < 2:
        return ["One run of each: how far another would differ is not known, so only large differences count."]
    sure = round(100 * (1 - 2 * 0.5**repetitions))
    return [f"{repetitions} runs of each: an interval is right in {sure} of 100 cases; with {many} it is in 94."]


def level(ranking: Ranking) -> str:
    names = ", ".join(map(str, ranking.level[:NAMED]))
    more = f" and {len(ranking.level) - NAMED} more" if len(ranking.level) > NAMED else ""
    return f"Not told apart from {names}{more}: their intervals overlap, or they differ too little to matter."


def beside_slow(best: Way, low: Estimate, worst: Way, high: Estimate) -> str:
    return (
        f"While 1 % of the requests are slow, 99 % of the fast ones take {time_text(low.median)} at most with {best} "
        f"and {time_text(high.median)} with {worst}, {high.median / low.median:.3g} times as long: "
        "if your service times are spread like that, it counts."
    )


def kernel(way: Way, scenario: str, before: float, after: float) -> str:
    changed = " and ".join(f"{name}={value}" for name, value in way.settings)
    name = f"{way.model} ({way.variant})" if way.variant else way.model
    return f"With {changed} {name} fails {count_text(after)} requests {WHEN[scenario]}, {count_text(before)} without."


def given_up(ways: Sequence[Way]) -> str:
    """Who gives up a worker that dies again and again."""
    names = ", ".join(map(str, ways))
    return f"A worker that dies again and again is not started any more, also when what it lacked is back: {names}."


def jobs(found: Sequence[tuple[Way, Estimate]]) -> str:
    told = ", ".join(f"{way} {count_text(lost.median)}" for way, lost in found)
    return f"Jobs that were sent and taken by nobody: {told}."

"""Which way to deploy, in plain words, with reasons that have their numbers, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from proxy.lab.analysis import sentences
from proxy.lab.analysis.needs import Need, needs
from proxy.lab.analysis.ranking import ROUNDS, Ranking, rank, value_of
from proxy.lab.analysis.summary import Summary, Way, is_valid

if TYPE_CHECKING:
    from proxy.lab.results import Comparison

Confidence = Literal["none", "low", "fair", "high"]
MANY = 5  # repetitions, with which an interval has the true median in 94 of 100 cases


@dataclass(frozen=True, slots=True)
class Verdict:
    """deploy: None where nothing was measured that tells. headline: a sentence. reasons: the rounds in which others
    dropped out. advice: what else is worth knowing. doubts: why `confidence` is no higher. needs: who is best at what,
    for whom that matters most."""

    deploy: Way | None
    headline: str
    reasons: tuple[str, ...]
    advice: tuple[str, ...]
    confidence: Confidence
    doubts: tuple[str, ...]
    runner_up: Way | None
    why_runner_up: str
    needs: tuple[Need, ...]
    ranking: Ranking


def judge(comparison: Comparison) -> Verdict:
    """The same results give the same verdict."""
    summary = Summary(comparison)
    ranking = rank(summary)
    if not ranking.order:
        nothing = "No verdict: nothing was measured that ways could be held against each other by."
        return Verdict(None, nothing, (), _advice(summary), "none", _doubts(summary, ranking), None, "", (), ranking)
    doubts = _doubts(summary, ranking)
    deploy, *others = ranking.order
    return Verdict(
        deploy=deploy,
        headline=sentences.headline(ranking, deploy),
        reasons=tuple(sentences.reason(summary, outcome, deploy) for outcome in ranking.outcomes if outcome.dropped),
        advice=_advice(summary),
        confidence=_confidence(summary, doubts),
        doubts=doubts,
        runner_up=others[0] if others else None,
        why_runner_up=sentences.runner_up(summary, ranking, others[0]) if others else "",
        needs=needs(summary, ranking.order),
        ranking=ranking,
    )


def _confidence(summary: Summary, doubts: tuple[str, ...]) -> Confidence:
    if not doubts:
        return "high"
    return "low" if repetitions(summary) < 2 or not summary.comparison.finished or len(doubts) > 2 else "fair"


def repetitions(summary: Summary) -> int:
    """Of what was measured the most often."""
    return max((result.repetition + 1 for result in summary.comparison.results), default=0)


def _doubts(summary: Summary, ranking: Ranking) -> tuple[str, ...]:
    """Everything that keeps the confidence from being high; empty when nothing does."""
    found = []
    if not summary.comparison.finished:
        found.append("The run was ended early: what is missing was not measured.")
    if not ranking.order:
        return tuple(found)
    found += sentences.few_repetitions(repetitions(summary), MANY)
    if ranking.level:
        found.append(sentences.level(ranking))
    if unknown := _unknown(summary, ranking.order[0]):
        found.append(f"Of {ranking.order[0]} is not known: {', '.join(unknown)}.")
    results = [result for result in summary.comparison.results if result.load is not None]
    if bad := sum(not is_valid(result) for result in results):
        found.append(
            f"The times of {bad} of {len(results)} loads do not count, because the generator itself was in the way: "
            "a machine with more processors, or nothing else to do, would tell more."
        )
    return tuple(found)


def _unknown(summary: Summary, way: Way) -> list[str]:
    """Titles of the rounds that others were measured in."""
    rounds = [one for one in ROUNDS if any(value_of(one, summary, other).estimate for other in summary.ways)]
    return [one.title for one in rounds if value_of(one, summary, way).estimate is None]


def _advice(summary: Summary) -> tuple[str, ...]:
    return (*_slow(summary), *_kernel(summary), *_given_up(summary), *_jobs(summary))


def _slow(summary: Summary) -> list[str]:
    """The spread of service times, as far as it was measured."""
    values = [(way, found) for way in summary.ways if (found := summary.estimate(way, "slow", "fast_p99"))]
    values.sort(key=lambda one: one[1].median)
    if len(values) < 2 or values[-1][1].median < 2 * values[0][1].median:
        return []
    return [sentences.beside_slow(*values[0], *values[-1])]


def _kernel(summary: Summary) -> list[str]:
    """What another setting would change in losses."""
    found = []
    for way in summary.all_ways:
        for scenario in sentences.WHEN if way.settings else ():
            before = summary.estimate(Way(way.model, way.variant), scenario, "failed")
            after = summary.estimate(way, scenario, "failed")
            if before and after and not before.overlaps(after):
                found.append(sentences.kernel(way, scenario, before.median, after.median))
    return found


def _given_up(summary: Summary) -> list[str]:
    """The others may serve on as if nothing were missing."""
    values = {way: summary.estimate(way, "crash-loop", "missing") for way in summary.ways}
    found = [way for way, missing in values.items() if missing and missing.median > 0]
    return [sentences.given_up(found)] if found else []


def _jobs(summary: Summary) -> list[str]:
    found = [(way, lost) for way in summary.ways if (lost := summary.estimate(way, "jobs", "lost"))]
    return [sentences.jobs(found)] if found else []

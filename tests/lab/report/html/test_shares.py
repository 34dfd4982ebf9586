from __future__ import annotations

from dataclasses import replace

from proxy.lab.analysis.summary import Summary, Way
from proxy.lab.report.html.shares import shares, typical
from proxy.lab.results import ScenarioResult, WorkerShare
from tests.lab.report.comparisons import compared


def shared(repetition: int, *connections: int, requests: int | None = 5) -> ScenarioResult:
    told = tuple(WorkerShare(number, number, count, requests, 0.1) for number, count in enumerate(connections, 1))
    return ScenarioResult("fairness", "a", "", repetition, {"chance_cv": 0.125}, shares=told)


def test_the_repetition_in_the_middle_is_shown() -> None:
    even, skewed, worst = shared(0, 10, 10), shared(1, 15, 5), shared(2, 20, 0)
    assert typical([worst, even, skewed]) == skewed
    assert typical([]) is None
    assert typical([shared(0, 20)]) is None


def test_a_column_for_each_worker_by_its_share() -> None:
    summary = Summary(replace(compared(), results=(shared(0, 30, 10),)))
    drawn = shares(summary, "fairness", [Way("a", "")])
    assert drawn is not None
    heights = [float(bar.get("height") or 0) for bar in drawn.iter("rect")]
    assert heights[0] == 3 * heights[1]
    assert [text.text for text in drawn.iter("text")] == ["connections", "requests", "busy time"]
    assert [p.text for p in drawn.iter("p")] == ["CV 0.50, by chance 0.12"]
    assert next(tip.text for tip in drawn.iter("title")) == "worker 1: 30 connections"


def test_what_was_not_counted_or_not_used() -> None:
    summary = Summary(replace(compared(), results=(shared(0, 0, 0, requests=None),)))
    drawn = shares(summary, "fairness", [Way("a", "")])
    assert drawn is not None
    assert [text.text for text in drawn.iter("text")] == ["connections", "busy time"]
    assert shares(summary, "long", [Way("a", "")]) is None

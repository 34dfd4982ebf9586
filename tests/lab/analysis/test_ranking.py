from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from proxy.lab.analysis.ranking import Ranking, rank
from proxy.lab.analysis.summary import Summary
from proxy.lab.results import Comparison, ScenarioResult
from tests.lab.report.comparisons import compared, load, result


def ranked(*results: ScenarioResult) -> Ranking:
    return rank(Summary(replace(compared(), results=results, available=())))


def names(ranking: Ranking) -> list[str]:
    return [way.model for way in ranking.order]


def dropped_in(ranking: Ranking, model: str) -> str:
    way = next(way for way in ranking.order if way.model == model)
    outcome = ranking.dropped_in(way)
    return outcome.round.title if outcome else ""


def repeated(scenario: str, model: str, figure: str, values: list[float]) -> list[ScenarioResult]:
    return [result(scenario, model, repetition=number, **{figure: value}) for number, value in enumerate(values)]


def test_losses_come_before_latency_and_latency_before_capacity() -> None:
    ranking = rank(Summary(compared()))
    assert names(ranking) == ["proxy-tcp", "prefork", "reuseport", "direct"]
    assert [outcome.round.title for outcome in ranking.outcomes] == ["fails", "lost"]  # then one is left
    assert {dropped_in(ranking, model) for model in ("prefork", "reuseport", "direct")} == {"lost"}
    assert ranking.level == ()


def test_what_overlaps_is_not_told_apart() -> None:
    ranking = ranked(
        *repeated("latency", "a", "p99", [0.010, 0.011, 0.020]),
        *repeated("latency", "b", "p99", [0.018, 0.030, 0.040]),
        *repeated("latency", "c", "p99", [0.021, 0.030, 0.040]),
    )
    assert names(ranking) == ["a", "b", "c"]
    assert (dropped_in(ranking, "b"), dropped_in(ranking, "c")) == ("", "p99")
    assert [way.model for way in ranking.level] == ["b"]


@pytest.mark.parametrize(("second", "dropped"), [(0.0124, ""), (0.0127, "p99")])
def test_what_is_no_worse_than_a_quarter_stays(second: float, dropped: str) -> None:
    ranking = ranked(
        *repeated("latency", "a", "p99", [0.01] * 3),
        *repeated("latency", "b", "p99", [second] * 3),
    )
    assert dropped_in(ranking, "b") == dropped


@pytest.mark.parametrize(("second", "dropped"), [(0.0149, ""), (0.0151, "p99")])
def test_a_single_run_counts_from_twice_of_that(second: float, dropped: str) -> None:
    ranking = ranked(result("latency", "a", p99=0.01), result("latency", "b", p99=second))
    assert dropped_in(ranking, "b") == dropped


@pytest.mark.parametrize(("lost", "intended", "dropped"), [(0, 1000, ""), (1, 1000, "lost"), (9, 20_000, "")])
def test_of_many_requests_a_few_lost_are_none(lost: int, intended: int, dropped: str) -> None:
    ranking = ranked(
        *repeated("latency", "a", "p99", [0.01] * 3),
        *repeated("latency", "b", "p99", [0.01] * 3),
        *[result("crash", "a", repetition=n, failed=0.0, intended=float(intended)) for n in range(3)],
        *[result("crash", "b", repetition=n, failed=float(lost), intended=float(intended)) for n in range(3)],
    )
    assert dropped_in(ranking, "b") == dropped


def test_who_is_given_up_drops_out_before_who_loses_requests() -> None:
    base = [one for model in "abc" for one in repeated("latency", model, "p99", [0.01] * 3)]
    no_worker = ScenarioResult("crash-loop", "c", "", 0, {}, cannot="a process for each connection")
    gone = [*repeated("crash-loop", "a", "missing", [1.0] * 3), *repeated("crash-loop", "b", "missing", [0.0] * 3)]
    ranking = ranked(*base, *gone, no_worker, *repeated("crash", "b", "failed", [9.0] * 3))
    assert [dropped_in(ranking, model) for model in "abc"] == ["gone", "", "lost"]  # c: not measured


def test_one_request_lost_in_a_single_run_is_one() -> None:
    ranking = ranked(
        *[result("latency", model, p99=0.01) for model in "ab"],
        result("crash", "a", failed=0.0),
        result("crash", "b", failed=1.0),
    )
    assert dropped_in(ranking, "b") == "lost"


def test_a_run_without_a_loss_does_not_excuse_the_others() -> None:
    base = [one for model in "abc" for one in repeated("latency", model, "p99", [0.01] * 3)]
    ranking = ranked(
        *base,
        *repeated("crash", "a", "failed", [0.0, 3.0, 4.0]),
        *repeated("crash", "b", "failed", [0.0, 0.0, 0.0]),
        *repeated("crash", "c", "failed", [1.0, 0.0, 0.0]),
    )
    assert [dropped_in(ranking, model) for model in "abc"] == ["lost", "", ""]


def test_losses_of_all_faults_are_added_up() -> None:
    base = [one for model in "ab" for one in repeated("latency", model, "p99", [0.01] * 3)]
    ranking = ranked(
        *base,
        *repeated("crash", "a", "failed", [5.0] * 3),
        *repeated("restart", "a", "failed", [0.0] * 3),
        *repeated("crash", "b", "failed", [0.0] * 3),
        *repeated("restart", "b", "failed", [20.0] * 3),
    )
    assert names(ranking) == ["a", "b"]
    assert dropped_in(ranking, "b") == "lost"


def test_what_cannot_be_restarted_loses_without_end() -> None:
    base = [one for model in "ab" for one in repeated("latency", model, "p99", [0.01] * 3)]
    cannot = ScenarioResult("restart", "a", "", 0, {}, cannot="one process")
    ranking = ranked(*base, cannot, *repeated("restart", "b", "failed", [400.0] * 3))
    assert names(ranking) == ["b", "a"]
    outcome = ranking.dropped_in(ranking.order[1])
    assert outcome is not None
    found = outcome.dropped[0].estimate
    assert found is not None
    assert found.median == inf
    assert outcome.dropped[0].unknown == "one process"
    assert dropped_in(ranked(*base, cannot, replace(cannot, model="b")), "b") == ""


def test_what_has_no_worker_to_kill_loses_nothing_by_it() -> None:
    base = [one for model in "ab" for one in repeated("latency", model, "p99", [0.01] * 3)]
    cannot = ScenarioResult("crash", "a", "", 0, {}, cannot="a process for each connection")
    assert dropped_in(ranked(*base, cannot, *repeated("crash", "b", "failed", [9.0] * 3)), "a") == ""


def test_what_was_not_measured_drops_out_unless_the_generator_was_too_slow_for_it() -> None:
    base = [one for model in "abc" for one in repeated("latency", model, "p99", [0.01] * 3)]
    late = result("capacity", "b", of=load(0.001, 1, why_invalid="too slow"), requests_per_second=1.0)
    ranking = ranked(*base, *repeated("capacity", "a", "requests_per_second", [9.0] * 3), late)
    assert (dropped_in(ranking, "b"), dropped_in(ranking, "c")) == ("", "capacity")


def test_nothing_and_one() -> None:
    assert ranked() == Ranking((), (), ())
    alone = ranked(result("latency", "a", p99=0.01), result("jobs", "socat-loop", lost=3.0))
    assert names(alone) == ["a"]
    assert alone.outcomes == ()


def test_the_kernel_changed_for_one_is_no_way_of_its_own() -> None:
    comparison: Comparison = compared()
    assert all(not way.settings for way in rank(Summary(comparison)).order)

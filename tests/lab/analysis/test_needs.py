from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from proxy.lab.analysis.needs import WISHES, Need, needs
from proxy.lab.analysis.ranking import rank
from proxy.lab.analysis.summary import Summary, Way
from proxy.lab.figures import FIGURES
from proxy.lab.results import ScenarioResult, WorkerShare
from tests.lab.report.comparisons import compared, result


def found(figure: str, of: tuple[Need, ...]) -> Need:
    return next(need for need in of if need.wish.figure == figure)


def test_who_is_best_at_what() -> None:
    summary = Summary(compared())
    every = needs(summary, rank(summary).order)
    capacity = found("requests_per_second", every)
    assert (capacity.way, capacity.is_other) == (Way("reuseport", "supervised"), True)
    assert (capacity.value, capacity.chosen) == ("15,822/s", "10,995/s")
    assert found("p99", every).way == Way("direct", "")


def test_where_others_are_level_the_chosen_one_is_best() -> None:
    summary = Summary(compared())
    memory = found("memory", needs(summary, rank(summary).order))
    assert (memory.way, memory.is_other) == (Way("proxy-tcp", "least-connections"), False)


def test_a_single_worker_is_no_even_spread() -> None:
    one, two = (ScenarioResult("fairness", name, "", 0, {"jain_connections": 1.0}) for name in ("direct", "a"))
    shares = (WorkerShare(1, 1, 5, 5, 0.1), WorkerShare(2, 2, 5, 5, 0.1))
    results = (one, replace(two, shares=shares), replace(two, model="b", shares=shares))
    order = [Way("b", ""), Way("direct", ""), Way("a", "")]
    assert [need.way.model for need in needs(Summary(replace(compared(), results=results)), order)] == ["b"]
    assert needs(Summary(replace(compared(), results=(one, two))), order) == ()


@pytest.mark.parametrize(("second", "is_other"), [(1.2, False), (1.6, True)])
def test_a_single_run_has_to_be_better_by_twice_as_much(second: float, is_other: bool) -> None:
    one, two = (result("crash", name, recovery=value) for name, value in (("a", second), ("b", 1.0)))
    every = needs(Summary(replace(compared(), results=(one, two))), [Way("a", ""), Way("b", "")])
    assert [need.is_other for need in every] == [is_other]


def test_what_nobody_can_do_is_left_out() -> None:
    both = tuple(result("crash", name, recovery=inf) for name in "ab")
    assert needs(Summary(replace(compared(), results=both)), [Way("a", ""), Way("b", "")]) == ()
    one = result("crash", "c", recovery=1.0)
    (need,) = needs(Summary(replace(compared(), results=(*both, one))), [Way("a", ""), Way("c", "")])
    assert (need.way.model, need.value, need.chosen) == ("c", "1 s", "endless")


def test_what_was_measured_for_one_only_is_no_choice() -> None:
    summary = Summary(replace(compared(), results=(result("crash", "a", recovery=1.0),)))
    assert needs(summary, [Way("a", ""), Way("b", "")]) == ()


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.text)
def test_every_wish_is_for_a_figure_that_has_a_better_way(wish: object) -> None:
    assert FIGURES[wish.figure].better  # type: ignore[attr-defined]

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from proxy.lab.analysis.summary import Way
from proxy.lab.analysis.verdict import Verdict, judge
from tests.lab.report.comparisons import compared, load, measured, result

if TYPE_CHECKING:
    from proxy.lab.results import ScenarioResult

CHOSEN = Way("proxy-tcp", "least-connections")


def of(*results: ScenarioResult) -> Verdict:
    return judge(replace(compared(), results=results, available=()))


def test_the_one_that_loses_nothing() -> None:
    verdict = judge(compared())
    assert verdict.deploy == CHOSEN
    assert verdict.headline == "Deploy proxy-tcp (least-connections)."
    assert verdict.runner_up == Way("prefork", "epoll")
    assert len(verdict.reasons) == 1
    assert "loses 0 of 600 requests when workers die" in verdict.reasons[0]
    assert verdict.confidence == "fair"
    assert len(verdict.doubts) == 1
    assert "3 runs of each" in verdict.doubts[0]


def test_the_order_of_results_does_not_count() -> None:
    comparison = compared()
    results = list(comparison.results)
    Random(1).shuffle(results)
    assert judge(replace(comparison, results=tuple(results))) == judge(comparison)


def test_many_runs_apart_are_sure() -> None:
    results = [
        result("latency", model, repetition=number, p99=typical * (1 + number / 100))
        for number in range(5)
        for model, typical in (("a", 0.01), ("b", 0.02))
    ]
    verdict = of(*results)
    assert (verdict.confidence, verdict.doubts) == ("high", ())


def test_what_overlaps_is_said_and_lowers_the_confidence() -> None:
    verdict = judge(compared(*measured("nginx", "", 0.002, 0, 11000.0)))
    assert verdict.confidence == "fair"
    assert any(text.startswith("Not told apart from nginx") for text in verdict.doubts)
    assert verdict.why_runner_up == "nginx: no round told it apart from the first."


def test_who_gives_a_worker_up_is_named() -> None:
    sane = result("crash-loop", "systemd", "sane", missing=0.0)
    (advice,) = of(sane, result("crash-loop", "systemd", "defaults", missing=1.0)).advice
    assert advice.endswith(": systemd (defaults).")


def test_one_run_of_each_is_a_first_answer() -> None:
    verdict = of(result("latency", "a", p99=0.01), result("latency", "b", p99=0.03))
    assert verdict.deploy == Way("a", "")
    assert verdict.confidence == "low"
    assert verdict.doubts[0].startswith("One run of each")


def test_a_run_that_was_ended_early() -> None:
    verdict = judge(replace(compared(), finished=False))
    assert verdict.deploy == CHOSEN
    assert verdict.confidence == "low"
    assert verdict.doubts[0].startswith("The run was ended early")


def test_a_generator_in_the_way_is_told() -> None:
    late = load(0.01, 1, why_invalid="the generator was late")
    verdict = judge(compared(result("slow", "direct", of=late, fast_p99=1.0)))
    assert any("The times of 1 of 25 loads do not count" in text for text in verdict.doubts)
    unknown = of(
        result("latency", "a", p99=0.01),
        result("capacity", "a", of=late, requests_per_second=1.0),
        result("latency", "b", p99=0.05),
        result("capacity", "b", requests_per_second=1.0),
    )
    assert "Of a is not known: capacity." in unknown.doubts


def test_nothing_and_one() -> None:
    nothing = of()
    assert (nothing.deploy, nothing.confidence, nothing.reasons) == (None, "none", ())
    alone = of(result("latency", "a", p99=0.01))
    assert alone.headline == "a is the only way that was measured."
    assert (alone.runner_up, alone.needs) == (None, ())


def test_what_else_is_worth_knowing() -> None:
    slow = [
        result("slow", way.model, way.variant, number, fast_p99=value)
        for way, value in ((CHOSEN, 0.02), (Way("reuseport", "supervised"), 0.09))
        for number in range(3)
    ]
    advice = judge(compared(*slow, result("jobs", "socat-loop", "blind", lost=95.0))).advice
    assert [text[:30] for text in advice] == [
        "While 1 % of the requests are ",
        "With net.ipv4.tcp_migrate_req=",
        "Jobs that were sent and taken ",
    ]
    assert "4.5 times as long" in advice[0]
    assert "reuseport (supervised) fails 0 requests when a worker dies, 31 without" in advice[1]

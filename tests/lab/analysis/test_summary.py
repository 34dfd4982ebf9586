from __future__ import annotations

from dataclasses import replace
from math import nan

from proxy.lab.analysis.summary import Summary, Way
from proxy.lab.results import ScenarioResult
from tests.lab.report.comparisons import compared, load, result

PREFORK = Way("prefork", "epoll")
MIGRATED = Way("reuseport", "supervised", (("net.ipv4.tcp_migrate_req", "1"),))


def test_names() -> None:
    assert str(Way("direct", "")) == "direct"
    assert str(PREFORK) == "prefork (epoll)"
    assert str(MIGRATED) == "reuseport (supervised) with net.ipv4.tcp_migrate_req=1"


def test_ways_are_in_the_order_of_the_list() -> None:
    summary = Summary(compared(result("latency", "a", p99=1.0)))
    assert [way.model for way in summary.ways] == ["direct", "prefork", "reuseport", "proxy-tcp", "a"]
    assert MIGRATED in summary.all_ways
    assert summary.scenarios() == ["capacity", "latency", "crash", "fairness", "footprint", "restart"]


def test_repetitions_are_put_together() -> None:
    summary = Summary(compared())
    found = summary.estimate(PREFORK, "crash", "failed")
    assert found is not None
    assert (found.values, found.median) == ((30, 30, 30), 30)
    assert [one.repetition for one in summary.results(PREFORK, "crash")] == [0, 1, 2]
    assert summary.errors(PREFORK, "crash") == {"reset": 90}


def test_what_was_changed_in_the_kernel_is_apart() -> None:
    summary = Summary(compared())
    found = summary.estimate(MIGRATED, "crash", "failed")
    assert found is not None
    assert found.values == (0,)
    assert summary.estimate(MIGRATED, "crash", "recovery") is None


def test_a_load_that_was_not_valid_gives_no_times() -> None:
    late = load(0.001, 1, why_invalid="the generator was late")
    one = result("capacity", "a", of=late, requests_per_second=1.0)
    summary = Summary(compared(one))
    assert summary.estimate(Way("a", ""), "capacity", "requests_per_second") is None
    assert summary.invalid(Way("a", ""), "capacity") == "the generator was late"
    held = result("footprint", "a", of=late, memory=1e6)
    assert Summary(compared(held)).estimate(Way("a", ""), "footprint", "memory") is not None
    both = Summary(compared(one, replace(one, repetition=1, load=load(0.001, 1))))
    found = both.estimate(Way("a", ""), "capacity", "requests_per_second")
    assert found is not None
    assert found.repetitions == 1
    assert both.invalid(Way("a", ""), "capacity") == ""


def test_what_did_not_come_up() -> None:
    results = [ScenarioResult(name, "a", "", 0, {}, cannot="it ended with status 1") for name in ("latency", "crash")]
    assert Summary(compared(*results)).failed(Way("a", "")) == "it ended with status 1"
    assert Summary(compared(*results, result("burst", "a", p99=1.0))).failed(Way("a", "")) == ""
    assert Summary(compared()).failed(Way("direct", "")) == ""


def test_what_was_not_measured_is_none() -> None:
    summary = Summary(compared(result("latency", "a", p99=nan), ScenarioResult("scale", "a", "", 0, {}, cannot="one")))
    way = Way("a", "")
    assert summary.estimate(way, "latency", "p99") is None
    assert summary.estimate(way, "nothing", "p99") is None
    assert (summary.cannot(way, "scale"), summary.cannot(way, "latency")) == ("one", "")
    assert summary.invalid(way, "crash") == ""

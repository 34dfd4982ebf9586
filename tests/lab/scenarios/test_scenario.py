"""From a plan to a load and to a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from proxy.lab.load.spec import LoadSpec
from proxy.lab.scenarios.scenario import AMID, PERIOD, TIMEOUT, Plan

if TYPE_CHECKING:
    from proxy.lab.deployment import Deployment


class At:
    target = "127.0.0.1:80"


AT = cast("Deployment", At())


def test_a_load_is_what_was_planned_and_changed() -> None:
    plan = Plan("direct", "", repetition=2, rate=70, connections=5, seconds=3, warm_up=0.5, seed=10)
    assert plan.load(AT, clients="new") == LoadSpec(
        At.target, rate=70, connections=5, seconds=3, warm_up=0.5, seed=12, timeout=TIMEOUT, clients="new"
    )


def test_requests_that_keep_workers_busy_take_a_share_of_their_time() -> None:
    made = Plan("direct", "", rate=1000, workers=2).busy(0.01, 0.5)
    assert made.rate == 100
    assert made.load(AT).paths == ((1.0, "/?block=0.01"),)
    assert Plan("direct", "", rate=50, workers=2).busy(0.01, 0.5).rate == 50


def test_bursts_come_at_moments_that_are_known() -> None:
    plan = Plan("direct", "", rate=40, warm_up=0.25)
    spec = plan.bursts(AT, seconds=2.0)
    assert (spec.arrivals, spec.burst, spec.rate, spec.seconds) == ("bursts", 4, 40, 2.0)
    for at in (0.0, 0.149, 0.15, 1.0):
        since = (plan.warm_up + plan.amid(at)) % PERIOD
        assert since == pytest.approx(AMID)
        assert at <= plan.amid(at) <= at + PERIOD + AMID


def test_requests_of_the_users_own_application_are_left_as_they_are() -> None:
    plan = Plan("direct", "", rate=1000, paths=((1.0, "/health"),))
    assert plan.busy(0.01, 0.5) == plan


def test_a_result_is_filed_under_its_plan() -> None:
    plan = Plan("nginx", "one", repetition=3, settings={"net.core.somaxconn": "128"})
    result = plan.result("latency", {"p50": 0.1}, notes=("a note",))
    assert (result.scenario, result.model, result.variant, result.repetition) == ("latency", "nginx", "one", 3)
    assert (result.figures, result.notes, result.settings) == ({"p50": 0.1}, ("a note",), plan.settings)
    assert plan.cannot("scale", "it is one process").cannot == "it is one process"

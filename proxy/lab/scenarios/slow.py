"""One request in a hundred keeps a worker busy for long: what the others suffer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from proxy.lab.load.generate import generate
from proxy.lab.load.mix import constant
from proxy.lab.measure.load_figures import doubts, errors, latencies, percentile

if TYPE_CHECKING:
    from proxy.lab.deployment import Deployment
    from proxy.lab.load.spec import LoadSpec
    from proxy.lab.models.model import Kind
    from proxy.lab.results import LoadResult, ScenarioResult
    from proxy.lab.scenarios.scenario import Plan

NAME = "slow"
SUMMARY = "1 % of the requests blocks a worker for 100 ms, the rest for 2 ms: how long the fast ones take"
KIND: Kind = "http"
ORDER = 40
NEEDS_SAMPLE = True
FAST, SLOW, SHARE = 0.002, 0.100, 0.01  # seconds, and of how many requests
BUSY = 0.4  # of the workers' time: a single process in their place could do it too


def duration(plan: Plan) -> float:
    return plan.warm_up + plan.seconds


def rate(plan: Plan) -> float:
    """Requests per second that make the workers as busy as BUSY, the same for all models. They sleep and burn nothing,
    so that it does not depend on what else the processors do."""
    return BUSY * plan.workers / ((1 - SHARE) * FAST + SHARE * SLOW)


async def run(deployment: Deployment, plan: Plan) -> ScenarioResult:
    """Two loads at once, each request on a connection of its own, so that each goes where the model sends it."""
    total = rate(plan)
    fast = plan.load(
        deployment, rate=(1 - SHARE) * total, paths=constant(FAST, "block"), clients="new", connections=512
    )
    slow = replace(
        fast, rate=SHARE * total, paths=constant(SLOW, "block"), arrivals="constant"
    )  # the same number for each model
    results: dict[str, LoadResult] = {}

    async def make(name: str, spec: LoadSpec) -> None:
        results[name] = await generate(spec)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(make, "fast", fast)
        nursery.start_soon(make, "slow", slow)
    load = results["fast"]
    waited = latencies(load)
    figures = {**errors(load), **{name: waited[name] for name in ("p50", "p90", "max") if waited}}
    if waited:
        figures |= {"fast_p95": percentile(load, 95.0), "fast_p99": waited["p99"]}
    notes = (f"{total:.0f} requests per second; figures are of the fast ones", *doubts(load))
    return plan.result(NAME, figures, load=load, notes=notes)

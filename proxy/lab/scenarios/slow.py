"""One request in a hundred keeps a worker busy for long: what the others suffer."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from proxy.lab.load.generate import generate
from proxy.lab.load.mix import constant
from proxy.lab.measure.load_figures import doubts, errors, latencies

if TYPE_CHECKING:
    from proxy.lab.deployment import Deployment
    from proxy.lab.load.spec import LoadSpec
    from proxy.lab.models.model import Kind
    from proxy.lab.results import LoadResult, ScenarioResult
    from proxy.lab.scenarios.scenario import Plan

NAME = "slow"
SUMMARY = "1 % of the requests needs 50 ms of CPU, the rest 1 ms: how long the fast ones take"
KIND: Kind = "http"
ORDER = 40
NEEDS_SAMPLE = True
FAST, SLOW, SHARE = 0.001, 0.050, 0.01  # seconds of CPU, and of how many requests
BUSY = 0.35  # of the processors that workers can use


def duration(plan: Plan) -> float:
    return plan.warm_up + plan.seconds


def rate(plan: Plan) -> float:
    """Requests per second that make the workers as busy as BUSY, the same for all models."""
    processors = min(plan.workers, len(os.sched_getaffinity(0)))
    return BUSY * processors / ((1 - SHARE) * FAST + SHARE * SLOW)


async def run(deployment: Deployment, plan: Plan) -> ScenarioResult:
    """Two loads at once, each request on a connection of its own, so that each goes where the model sends it."""
    total = rate(plan)
    fast = plan.load(deployment, rate=(1 - SHARE) * total, paths=constant(FAST), clients="new", connections=512)
    slow = replace(
        fast, rate=SHARE * total, paths=constant(SLOW), arrivals="constant"
    )  # the same number for each model
    results: dict[str, LoadResult] = {}

    async def make(name: str, spec: LoadSpec) -> None:
        results[name] = await generate(spec)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(make, "fast", fast)
        nursery.start_soon(make, "slow", slow)
    load = results["fast"]
    waited = latencies(load)
    figures = {**errors(load), **{name: waited[name] for name in ("p50", "max") if waited}}
    if waited:
        figures["fast_p99"] = waited["p99"]
    notes = (f"{total:.0f} requests per second; figures are of the fast ones", *doubts(load))
    return plan.result(NAME, figures, load=load, notes=notes)

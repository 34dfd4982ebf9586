"""How long clients wait at a load that it can bear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.load.generate import generate
from proxy.lab.measure.load_figures import doubts, errors, latencies

if TYPE_CHECKING:
    from proxy.lab.deployment import Deployment
    from proxy.lab.models.model import Kind
    from proxy.lab.results import ScenarioResult
    from proxy.lab.scenarios.scenario import Plan

NAME = "latency"
SUMMARY = "how long requests take at a rate below capacity, from their intended start"
KIND: Kind = "http"
ORDER = 20
NEEDS_SAMPLE = False


def duration(plan: Plan) -> float:
    return plan.warm_up + plan.seconds


async def run(deployment: Deployment, plan: Plan) -> ScenarioResult:
    """The same Poisson arrivals on every model."""
    load = await generate(plan.load(deployment))
    return plan.result(NAME, {**errors(load), **latencies(load)}, load=load, notes=doubts(load))

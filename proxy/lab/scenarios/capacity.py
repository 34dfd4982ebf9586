"""How much it can do at most, with all clients always waiting for an answer."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from proxy.lab.load.generate import generate
from proxy.lab.load.peak import NoPeak, Peak, peak
from proxy.lab.measure.load_figures import doubts, errors

if TYPE_CHECKING:
    from proxy.lab.deployment import Deployment
    from proxy.lab.models.model import Kind
    from proxy.lab.results import ScenarioResult
    from proxy.lab.scenarios.scenario import Plan

NAME = "capacity"
SUMMARY = "the most requests per second, in a closed loop of keep-alive clients"
KIND: Kind = "http"
ORDER = 60
NEEDS_SAMPLE = False


def duration(plan: Plan) -> float:
    return plan.warm_up + ceil(plan.seconds)  # wrk and h2load know whole seconds


async def run(deployment: Deployment, plan: Plan) -> ScenarioResult:
    """By wrk or h2load where one is installed, for every model alike: what a generator takes of the machine is missing
    from the target. Else by our own."""
    try:
        found = await _peak(deployment, plan)
    except NoPeak as why:
        load = await generate(plan.load(deployment, mode="closed"))
        figures = {**errors(load), "requests_per_second": load.completed / load.seconds}
        return plan.result(NAME, figures, load=load, notes=(f"by our own generator ({why})", *doubts(load)))
    figures = {"requests_per_second": found.requests_per_second, "failed": float(found.errors)}
    return plan.result(NAME, figures, notes=(f"by {found.program}",))


async def _peak(deployment: Deployment, plan: Plan) -> Peak:
    """Raises NoPeak."""
    paths = plan.load(deployment).paths
    if len(paths) > 1:
        raise NoPeak("others know one path only")
    return await peak(deployment.target, connections=plan.connections, seconds=plan.seconds, path=paths[0][1])

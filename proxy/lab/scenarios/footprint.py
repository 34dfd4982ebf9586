"""What it takes of the machine: memory, processes, and CPU time for a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.load.generate import generating
from proxy.lab.measure.cpu import cpu_seconds
from proxy.lab.measure.families import family, read_parents
from proxy.lab.measure.load_figures import doubts
from proxy.lab.measure.memory import NotTold, proportional_set_size

if TYPE_CHECKING:
    from proxy.lab.deployment import Deployment
    from proxy.lab.models.model import Kind
    from proxy.lab.results import ScenarioResult
    from proxy.lab.scenarios.scenario import Plan

NAME = "footprint"
SUMMARY = "memory, processes, and CPU time per request of all its processes"
KIND: Kind = "http"
ORDER = 10
NEEDS_SAMPLE = False


def duration(plan: Plan) -> float:
    return plan.warm_up + plan.seconds


async def run(deployment: Deployment, plan: Plan) -> ScenarioResult:
    """Measured after the load has warmed it up, with its connections open."""
    async with generating(plan.load(deployment)) as load:
        await load.wait(0.0)
        before = cpu_seconds(deployment.roots())
        await load.wait(plan.seconds)
        used = cpu_seconds(deployment.roots()) - before
        pids = family(deployment.roots(), read_parents())
        figures, notes = _memory(pids)
        result = await load.result()
    figures["processes"] = float(len(pids))
    if result.completed:
        figures["cpu_per_request"] = used / result.completed
    return plan.result(NAME, figures, load=result, notes=(*doubts(result), *notes))


def _memory(pids: list[int]) -> tuple[dict[str, float], tuple[str, ...]]:
    try:
        return {"memory": float(proportional_set_size(pids))}, ()
    except NotTold as why:
        return {}, (str(why),)

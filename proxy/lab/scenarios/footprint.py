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
    return plan.seconds


async def run(deployment: Deployment, plan: Plan) -> ScenarioResult:
    """CPU time from before the first request until after the last; memory at the end of the load, with its connections
    open."""
    before = cpu_seconds(deployment.roots())
    async with generating(plan.load(deployment, warm_up=0.0)) as load:
        await load.wait(plan.seconds)
        pids = family(deployment.roots(), read_parents())
        figures, notes = _memory(pids)
        result = await load.result()
    used = cpu_seconds(deployment.roots()) - before
    figures["processes"] = float(len(pids))
    if result.completed:
        figures["cpu_per_request"] = used / result.completed
    return plan.result(NAME, figures, load=result, notes=(*doubts(result), *notes))


def _memory(pids: list[int]) -> tuple[dict[str, float], tuple[str, ...]]:
    try:
        return {"memory": float(proportional_set_size(pids))}, ()
    except NotTold as why:
        return {}, (str(why),)

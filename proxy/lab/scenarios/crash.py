"""Workers die under load, one after the other, by SIGKILL: what clients lose, and for how long."""

from __future__ import annotations

from math import inf
from statistics import median
from typing import TYPE_CHECKING

from proxy.lab.analysis.recovery import is_served, recovery
from proxy.lab.deployment import CannotDo
from proxy.lab.load.generate import generating
from proxy.lab.measure.load_figures import doubts, errors, latencies
from proxy.lab.results import Mark

if TYPE_CHECKING:
    from proxy.lab.deployment import Deployment
    from proxy.lab.models.model import Kind
    from proxy.lab.results import LoadResult, ScenarioResult
    from proxy.lab.scenarios.scenario import Plan

NAME = "crash"
SUMMARY = "workers are killed under load: what is refused, reset or hangs, and when all is well again"
KIND: Kind = "http"
ORDER = 90
NEEDS_SAMPLE = False
FIRST, EVERY, LAST = 0.2, 0.25, 0.75  # of the measured time
APART = 1.2  # seconds, at least, so that it can be seen whether one fault was got over before the next
REQUEST, BUSY = 0.015, 0.3  # seconds that a request of our sample application takes, and what they take of all workers


def duration(plan: Plan) -> float:
    """TIMEOUT more where requests hang, which is so in few models."""
    return plan.warm_up + plan.seconds


async def run(deployment: Deployment, plan: Plan) -> ScenarioResult:
    """Each kill falls into a small burst, so that it meets requests that are served and some that wait."""
    if not deployment.workers():
        return plan.cannot(NAME, "a process lives for one connection only: there is no worker to kill")
    plan = plan.busy(REQUEST, BUSY)
    faults: list[Mark] = []
    async with generating(plan.bursts(deployment)) as load:
        for turn, at in enumerate(map(plan.amid, moments(plan.seconds))):
            await load.wait(at)
            try:
                faults += await _kill_one(deployment, turn + plan.repetition, at)
            except CannotDo as why:
                return plan.cannot(NAME, str(why))
        result = await load.result()
    recovered, notes = _recovery(result, [mark.at for mark in faults], plan.seconds)
    waited = latencies(result)
    figures = {**errors(result), **{name: waited[name] for name in ("p99", "max") if waited}, "recovery": recovered}
    return plan.result(NAME, figures, load=result, marks=tuple(faults), notes=(*doubts(result), *notes))


def moments(seconds: float) -> list[float]:
    """When to kill, in a load of so many seconds: three times in five seconds, and once in two."""
    apart = max(EVERY * seconds, APART)
    count = int((LAST - FIRST) * seconds / apart) + 1
    return [round(FIRST * seconds + turn * apart, 3) for turn in range(count)]


async def _kill_one(deployment: Deployment, turn: int, at: float) -> list[Mark]:
    """Nobody when nobody has taken the place of the last one. Raises CannotDo."""
    workers = deployment.workers()
    if not workers:
        return []
    number = workers[turn % len(workers)].number
    await deployment.kill(number)
    return [Mark(at, f"SIGKILL worker {number}")]


def _recovery(load: LoadResult, faults: list[float], end: float) -> tuple[float, tuple[str, ...]]:
    """The median over the faults, of which one that was not over when the next came, or the load ended, counts until
    then; infinite if clients were not served any more at the end. And a note."""
    ends = [*faults[1:], end]
    found = [recovery(load.timeline, fault, until) for fault, until in zip(faults, ends, strict=True)]
    times = [until - fault if time is None else time for time, fault, until in zip(found, faults, ends, strict=True)]
    late = found.count(None)
    notes = (f"{late} of {len(found)} times not as before until the next fault or the end",) if late else ()
    return round(median(times), 3) if is_served(load.timeline, end) else inf, notes

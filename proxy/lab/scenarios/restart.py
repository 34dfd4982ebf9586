"""All workers are replaced under load, one after the other, as the model does it for a new version."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import trio

from proxy.lab.deployment import CannotDo
from proxy.lab.load.generate import generating
from proxy.lab.measure.load_figures import doubts, errors, latencies
from proxy.lab.results import Mark
from proxy.lab.scenarios.scenario import TIMEOUT

if TYPE_CHECKING:
    from proxy.lab.deployment import Deployment
    from proxy.lab.models.model import Kind
    from proxy.lab.results import ScenarioResult
    from proxy.lab.scenarios.scenario import Plan

NAME = "restart"
SUMMARY = "a rolling restart under load: what is lost, and how long the slowest request waits"
KIND: Kind = "http"
ORDER = 80
NEEDS_SAMPLE = False
BEFORE = 0.2  # of the measured time
LONGEST = 60.0  # seconds that a restart may take
REQUEST, BUSY = 0.015, 0.3  # seconds that a request of our sample application takes, and what they take of all workers


def duration(plan: Plan) -> float:
    return plan.warm_up + plan.seconds + TIMEOUT


async def run(deployment: Deployment, plan: Plan) -> ScenarioResult:
    """Until all is replaced, however long that takes, and on until whatever hangs because of it has been noticed."""
    plan = plan.busy(REQUEST, BUSY)
    spec = plan.bursts(deployment, seconds=plan.seconds + LONGEST)
    async with generating(spec) as load:
        await load.wait(plan.amid(BEFORE * plan.seconds))
        began = await load.began()
        marks = [Mark(round(time.monotonic() - began, 3), "restart of all workers")]
        try:
            await deployment.restart()
        except CannotDo as why:
            return plan.cannot(NAME, str(why))
        marks.append(Mark(round(time.monotonic() - began, 3), "all restarted"))
        await trio.sleep(TIMEOUT)
        await load.wait(plan.seconds)
        result = await load.stop()
    figures = {**errors(result), **latencies(result)}
    return plan.result(NAME, figures, load=result, marks=tuple(marks), notes=doubts(result))

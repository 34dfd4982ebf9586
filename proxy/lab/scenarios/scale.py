"""Twice as many workers under load, and then as few again: when the new ones work, and what is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from proxy.lab.analysis.taking_share import Done, seconds_to_share
from proxy.lab.deployment import CannotDo
from proxy.lab.load.generate import generating
from proxy.lab.measure.attribution import watching
from proxy.lab.measure.load_figures import doubts, errors, latencies
from proxy.lab.results import Mark
from proxy.lab.scenarios.scenario import TIMEOUT

if TYPE_CHECKING:
    from proxy.lab.deployment import Deployment
    from proxy.lab.measure.attribution import Watch
    from proxy.lab.models.model import Kind
    from proxy.lab.results import ScenarioResult
    from proxy.lab.scenarios.scenario import Plan

NAME = "scale"
SUMMARY = "twice the workers, then as few again, under load: when new ones have their share, and what is lost"
KIND: Kind = "http"
ORDER = 70
NEEDS_SAMPLE = False
UP, DOWN = 0.2, 0.75  # of the measured time
INTERVAL = 0.05  # seconds between two looks: each sees what requests are under way
WINDOW, WINDOW_MOST = 0.2, 1.0  # of the measured time, at most seconds, in which new workers do their share
REQUEST, BUSY = 0.02, 0.5  # seconds that a request of our sample application takes, and what they take of all workers


def duration(plan: Plan) -> float:
    return plan.warm_up + plan.seconds + TIMEOUT


async def run(deployment: Deployment, plan: Plan) -> ScenarioResult:
    """A connection for each request, so that nothing but the model decides who is given it."""
    plan = plan.busy(REQUEST, BUSY)
    before = {worker.number for worker in deployment.workers()}
    if not before:
        return plan.cannot(NAME, "a process lives for one connection only: there are as many as needed")
    marks: list[Mark] = []
    async with (
        watching(deployment, INTERVAL) as watch,
        generating(plan.load(deployment, clients="new", arrivals="constant")) as load,
    ):
        for share, count in ((UP, 2 * len(before)), (DOWN, len(before))):
            await load.wait(share * plan.seconds)
            marks.append(Mark(round(time.monotonic() - await load.began(), 3), f"to {count} workers"))
            try:
                await deployment.scale(count)
            except CannotDo as why:
                return plan.cannot(NAME, str(why))
        result = await load.result()
    waited = latencies(result)
    figures = {**errors(result), **{name: waited[name] for name in ("p99", "max") if waited}}
    notes = doubts(result)
    window = min(WINDOW * plan.seconds, WINDOW_MOST)
    taken = _share_after(watch, before, window, *(result.began + mark.at for mark in marks))
    if taken is None:
        notes = (*notes, "new workers had not half of an even share before they were taken away again")
    else:
        figures["share_after"] = taken
    shares = watch.shares(result)
    return plan.result(NAME, figures, load=result, shares=shares, marks=tuple(marks), notes=notes)


def _share_after(watch: Watch, before: set[int], window: float, up: float, down: float) -> float | None:
    looks = [Done(look.at, look.work) for look in watch.looks if look.at <= down]
    new = {number for look in looks for number in look.work} - before
    taken = seconds_to_share(looks, new, up, window)
    return None if taken is None else round(taken, 3)

"""Clients with connections that stay, and then twice as many workers: do the new ones ever work?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import trio

from proxy.lab.analysis.taking_share import Done, share_of
from proxy.lab.deployment import CannotDo
from proxy.lab.load.generate import generating
from proxy.lab.measure.attribution import watching
from proxy.lab.measure.load_figures import doubts, errors, latencies
from proxy.lab.results import Mark

if TYPE_CHECKING:
    from proxy.lab.deployment import Deployment
    from proxy.lab.measure.attribution import Watch
    from proxy.lab.models.model import Kind
    from proxy.lab.results import ScenarioResult
    from proxy.lab.scenarios.scenario import Plan

NAME = "long"
SUMMARY = "long-lived connections, then twice the workers: what share of the work the new ones have at the end"
KIND: Kind = "http"
ORDER = 75
NEEDS_SAMPLE = False
UP, LAST = 0.2, 0.7  # of the measured time: when they are started, and from when on their work is looked at
INTERVAL = 0.2  # seconds between two looks
LEAVING = 10.0  # seconds for the deployment to be as it was


def duration(plan: Plan) -> float:
    return plan.warm_up + plan.seconds


async def run(deployment: Deployment, plan: Plan) -> ScenarioResult:
    """Each connection has its own requests in turn, which are never given to another one."""
    before = {worker.number for worker in deployment.workers()}
    if not before:
        return plan.cannot(NAME, "a process lives for one connection only: none ever has a share of others")
    async with (
        watching(deployment, INTERVAL) as watch,
        generating(plan.load(deployment, clients="long", per_connection=True)) as load,
    ):
        await load.wait(UP * plan.seconds)
        mark = Mark(round(time.monotonic() - await load.began(), 3), f"to {2 * len(before)} workers")
        try:
            await deployment.scale(2 * len(before))
        except CannotDo as why:
            return plan.cannot(NAME, str(why))
        await load.wait(plan.seconds)
        await watch.look()
        result = await load.result()
    await _shrink(deployment, len(before))
    found, notes = _new_share(watch, before, result.began + LAST * plan.seconds)
    waited = latencies(result)
    figures = {**errors(result), **{name: waited[name] for name in ("p99", "max") if waited}, **found}
    shares = watch.shares(result)
    return plan.result(NAME, figures, load=result, shares=shares, marks=(mark,), notes=(*doubts(result), *notes))


async def _shrink(deployment: Deployment, count: int) -> None:
    """For whatever comes after; it can, as it could grow."""
    await deployment.scale(count)
    with trio.move_on_after(LEAVING):
        while len(deployment.workers()) > count:  # noqa: ASYNC110 - a model has no event for it
            await trio.sleep(0.02)


def _new_share(watch: Watch, before: set[int], since: float) -> tuple[dict[str, float], tuple[str, ...]]:
    """Where nobody counts requests, of the CPU time: when they have started, it is for requests only."""
    looks = [look for look in watch.looks if look.at >= since]
    new = {number for look in looks for number in look.work.keys() | look.busy.keys()} - before
    notes: tuple[str, ...] = ()
    if watch.counts_requests:
        done = [Done(look.at, look.work) for look in looks]
    else:
        done = [Done(look.at, look.busy) for look in looks]
        notes = ("the share of the new ones is that of CPU time, as nobody counts requests",)
    found = share_of(new, done[0], done[-1]) if len(done) > 1 else None
    return ({} if found is None else {"new_share": round(found, 4)}), notes

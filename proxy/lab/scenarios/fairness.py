"""Who has the work: connections, requests and busy time of each worker, against what chance alone would give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.metrics.fairness import jain_index
from proxy.lab.analysis.fairness import chance_cv, cv, max_over_mean
from proxy.lab.load.generate import generate
from proxy.lab.measure.attribution import watching
from proxy.lab.measure.load_figures import doubts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.deployment import Deployment
    from proxy.lab.models.model import Kind
    from proxy.lab.results import ScenarioResult, WorkerShare
    from proxy.lab.scenarios.scenario import Plan

NAME = "fairness"
SUMMARY = "how evenly keep-alive connections that come in a burst, and their requests, fall on the workers"
KIND: Kind = "http"
ORDER = 30
NEEDS_SAMPLE = False
CONNECTIONS = 200  # at least, so that chance alone leaves a CV of 0.07 between two workers, of 0.12 between four


def duration(plan: Plan) -> float:
    return plan.warm_up + plan.seconds


async def run(deployment: Deployment, plan: Plan) -> ScenarioResult:
    """Each client has its own requests and stays, as a pool of another service would after a restart."""
    if not deployment.workers():
        return plan.cannot(NAME, "a process lives for one connection only, so each has one")
    connections = max(plan.connections, CONNECTIONS)
    spec = plan.load(deployment, clients="long", connections=connections, per_connection=True)
    async with watching(deployment, min(0.5, plan.seconds / 4)) as watch:
        load = await generate(spec)
    shares = watch.shares(load)
    figures, notes = work_figures(shares), doubts(load)
    if watch.has_clients(load):
        figures |= connection_figures(shares, connections)
    else:
        notes = (*notes, "clients' connections end at somebody else, or with each answer: no figures of connections")
    return plan.result(NAME, figures, load=load, shares=shares, notes=notes)


def work_figures(shares: Sequence[WorkerShare]) -> dict[str, float]:
    figures = {"jain_busy": jain_index([share.busy for share in shares])}
    requests = [float(share.requests) for share in shares if share.requests is not None]
    if len(requests) == len(shares):
        figures["jain_requests"] = jain_index(requests)
    return figures


def connection_figures(shares: Sequence[WorkerShare], connections: int) -> dict[str, float]:
    """connections: of all clients."""
    held = [float(share.connections) for share in shares]
    return {
        "jain_connections": jain_index(held),
        "cv_connections": cv(held),
        "max_mean_connections": max_over_mean(held),
        "chance_cv": chance_cv(len(shares), connections),
    }

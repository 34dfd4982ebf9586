"""As many requests as else come evenly, all at once a few times, each on a connection of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.load.generate import generate
from proxy.lab.measure.load_figures import doubts, errors, latencies
from proxy.lab.scenarios.scenario import TIMEOUT

if TYPE_CHECKING:
    from proxy.lab.deployment import Deployment
    from proxy.lab.models.model import Kind
    from proxy.lab.results import ScenarioResult
    from proxy.lab.scenarios.scenario import Plan

NAME = "burst"
SUMMARY = "bursts of new connections: what is refused or hangs, and how long the last one waits"
KIND: Kind = "http"
ORDER = 50
NEEDS_SAMPLE = False
BURSTS = 4
LARGEST = 2000  # connections at once


def duration(plan: Plan) -> float:
    return plan.seconds + TIMEOUT


async def run(deployment: Deployment, plan: Plan) -> ScenarioResult:
    """A connection that finds the queue of its listener full tries again after a second, unseen by everybody: it shows
    in the longest latency."""
    burst = min(max(round(plan.rate * plan.seconds / BURSTS), 1), LARGEST)
    load = await generate(
        plan.load(
            deployment, arrivals="bursts", clients="new", burst=burst, connections=burst * BURSTS,
            rate=burst * BURSTS / plan.seconds, warm_up=0.0,
        )
    )  # fmt: skip
    notes = (f"{BURSTS} bursts of {burst} connections", *doubts(load))
    return plan.result(NAME, {**errors(load), **latencies(load)}, load=load, notes=notes)

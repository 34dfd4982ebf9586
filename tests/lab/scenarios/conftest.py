"""Every scenario once on one process, most of them at the same time, as most of their time is waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from proxy.lab.scenarios.registry import SCENARIOS
from tests.lab.scenarios.support import deployed, plan

if TYPE_CHECKING:
    from proxy.lab.results import ScenarioResult
    from proxy.lab.scenarios.scenario import Plan

On = dict[str, tuple["Plan", "ScenarioResult"]]
CHANGES: dict[str, dict[str, object]] = {
    "burst": {"rate": 1000.0, "paths": ((1.0, "/?cpu=0.0005"),)},
    "capacity": {"paths": ((1.0, "/a"), (1.0, "/b"))},
    "crash": {"seconds": 1.5},
    "fairness": {"seconds": 1.0},
    "footprint": {"rate": 60.0, "paths": ((1.0, "/?cpu=0.005"),)},
    "latency": {"paths": ((0.9, "/?delay=0.01"), (0.1, "/?delay=0.1"))},
    "slow": {"seconds": 2.5},
}
ELSEWHERE = {"crash-loop", "jobs"}  # have their own deployments
PROMPT = {"crash", "fairness"}  # do something at a moment, which nobody else may hold up


async def _run_all() -> On:
    found: On = {}

    async def run(name: str) -> None:
        made = plan("direct", workers=1, **CHANGES.get(name, {}))
        async with deployed("direct", workers=1) as deployment:
            found[name] = made, await SCENARIOS[name].run(deployment, made)

    for names in (PROMPT, SCENARIOS.keys() - PROMPT - ELSEWHERE):
        async with trio.open_nursery() as nursery:
            for name in names:
                nursery.start_soon(run, name)
    return found


@pytest.fixture(scope="session")
def on_direct() -> On:
    """Its plan and its result, by the name of the scenario."""
    return trio.run(_run_all)

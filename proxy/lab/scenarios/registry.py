"""The scenarios by name, in the order in which one deployment runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.scenarios import (
    burst,
    capacity,
    crash,
    crash_loop,
    fairness,
    footprint,
    jobs,
    latency,
    long,
    restart,
    scale,
    slow,
)

if TYPE_CHECKING:
    from proxy.lab.scenarios.scenario import Scenario

_ALL: tuple[Scenario, ...] = (
    footprint, latency, fairness, slow, burst, capacity, scale, long, restart, crash, crash_loop, jobs,
)  # fmt: skip
SCENARIOS: dict[str, Scenario] = {scenario.NAME: scenario for scenario in sorted(_ALL, key=lambda each: each.ORDER)}

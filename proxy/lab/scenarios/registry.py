"""The scenarios by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.lab.scenarios.scenario import Scenario

SCENARIOS: dict[str, Scenario] = {}

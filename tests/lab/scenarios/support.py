"""Deployments for scenarios to run on."""

from __future__ import annotations

import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.lab.application import SAMPLE
from proxy.lab.deployment import DeploymentSpec
from proxy.lab.figures import FIGURES
from proxy.lab.models.registry import MODELS
from proxy.lab.scenarios.scenario import Plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proxy.lab.deployment import Deployment
    from proxy.lab.results import ScenarioResult


@asynccontextmanager
async def deployed(model: str, variant: str = "", workers: int = 2) -> AsyncIterator[Deployment]:
    """Our sample application in that model; the variant that stands for it if none is named."""
    chosen = MODELS[model]
    with tempfile.TemporaryDirectory(prefix="rproxy-lab-") as directory:
        spec = DeploymentSpec(SAMPLE, workers, Path(directory))
        async with chosen.deploying(variant or chosen.variants(SAMPLE)[0], spec) as deployment:
            yield deployment


def plan(model: str, **changes: object) -> Plan:
    """As short as can be."""
    return Plan(model, **{"variant": "", "seconds": 0.4, "warm_up": 0.1, "rate": 150.0, "connections": 8, **changes})  # type: ignore[arg-type]


def is_sound(result: ScenarioResult, made: Plan) -> bool:
    """Filed under its plan, with figures that have a name, or with a reason."""
    filed = (result.model, result.variant, result.repetition, result.settings)
    return (
        filed == (made.model, made.variant, made.repetition, made.settings)
        and result.figures.keys() <= FIGURES.keys()
        and bool(result.figures) != bool(result.cannot)
    )

"""The whole of a comparison: who can run, at what rate, then cell after cell, and what came of it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from proxy.lab import kernel
from proxy.lab.compare.cells import run_cell
from proxy.lab.compare.events import Deployed, Measured, Planned
from proxy.lab.compare.planning import Candidate, Planning, slowness
from proxy.lab.compare.rate import calibrators, choose_rate
from proxy.lab.measure.environment import environment
from proxy.lab.models.registry import MODELS
from proxy.lab.results import Available, Comparison
from proxy.lab.scenarios.registry import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.application import Application
    from proxy.lab.compare.cell_spec import CellSpec
    from proxy.lab.compare.events import Event, Tell
    from proxy.lab.compare.settings import Settings
    from proxy.lab.results import ScenarioResult

CALIBRATION = 1.0  # seconds of load
CAPACITY = "capacity"  # the scenario whose figure requests_per_second the rate is chosen by


class Comparing:
    """One comparison. tell: hears every event of it."""

    def __init__(self, settings: Settings, application: Application, tell: Tell) -> None:
        self._settings = settings
        self._application = application
        self._tell = tell
        self._available = available(application, settings)
        self._environment: dict[str, dict[str, str]] = {}
        self._results: list[ScenarioResult] = []
        self._rate, self._why = settings.rate or 0.0, "as given" if settings.rate else ""
        self._slowness = 1.0
        self._began = time.time()  # noqa: TID251 - for the report; durations are of the other clock
        self._from = time.monotonic()
        self._finished = False

    async def run(self) -> None:
        """Cancelling it ends what runs; `comparison` has what there is."""
        self._environment = await trio.to_thread.run_sync(environment)
        if not self._rate:
            await self._calibrate()
        planning = self._planning(self._rate)
        cells = planning.cells()
        async with trio.open_nursery() as nursery:
            for index, cell in enumerate(cells):
                rest = cells[index:]
                self._tell(Planned(sum(len(one.runs) for one in rest), planning.estimate(rest), self._rate, self._why))
                await nursery.start(self._run, cell)
        self._finished = True

    async def _run(self, cell: CellSpec, task_status: trio.TaskStatus[None]) -> None:
        """Started is when the last run is measured: the next cell starts while this one's deployment ends."""
        why = await trio.to_thread.run_sync(kernel.why_not, cell.settings) if cell.settings else ""
        if why:
            for run in cell.runs:
                self._hear(Measured(run.cannot(f"no kernel with other settings: {why}")))
            task_status.started()
        else:
            prefix = kernel.prefix(cell.settings) if cell.settings else ()
            await run_cell(cell, self._hear, prefix, task_status=task_status)

    def comparison(self) -> Comparison:
        return Comparison(
            application=self._application.name,
            environment=self._environment,
            settings={**self._settings.as_text(), "rate": f"{self._rate:g}", "rate_why": self._why},
            began=self._began,
            seconds=time.monotonic() - self._from,
            finished=self._finished,
            available=tuple(self._available),
            results=tuple(self._results),
        )

    async def _calibrate(self) -> None:
        capacities: dict[str, float] = {}

        def hear(event: Event) -> None:
            if isinstance(event, Measured):
                capacities[event.result.model] = event.result.figures.get("requests_per_second", 0.0)
            else:
                self._tell(event)

        planning = self._planning(1.0)
        cells = self._calibration(planning)
        began = time.monotonic()
        for cell in cells:
            await run_cell(cell, hear)
        self._rate, self._why = choose_rate(capacities)
        self._slowness = slowness(time.monotonic() - began, cells)

    def _calibration(self, planning: Planning) -> list[CellSpec]:
        scenarios = [SCENARIOS[CAPACITY]]
        return [planning.cell(one, 0, CALIBRATION, scenarios) for one in calibrators(planning.candidates)]

    def _planning(self, rate: float) -> Planning:
        candidates = candidates_of(self._available)
        if self._settings.is_quick:
            candidates = [one for one in candidates if one.stands_for]
        scenarios = tuple(SCENARIOS.values())
        return Planning(self._settings, self._application, candidates, scenarios, rate, self._slowness)

    def _hear(self, event: Event) -> None:
        if isinstance(event, Measured):
            self._results.append(event.result)
        elif isinstance(event, Deployed):
            self._describe(event)
        self._tell(event)

    def _describe(self, deployed: Deployed) -> None:
        """The first description of each variant; the others differ in their ports."""
        for index, one in enumerate(self._available):
            if (one.model, one.variant) == (deployed.model, deployed.variant) and not one.description:
                self._available[index] = replace(one, description=deployed.description)


def available(application: Application, settings: Settings) -> list[Available]:
    """Every variant of the chosen models, whether it can run or not."""
    return [
        Available(name, variant, model.summary, tuple(str(missing) for missing in model.missing(variant, application)))
        for name, model in MODELS.items()
        if settings.models is None or name in settings.models
        for variant in model.variants(application)
    ]


def candidates_of(found: Sequence[Available]) -> list[Candidate]:
    """Those that can run. For its model stands the first of its variants that can."""
    candidates: list[Candidate] = []
    for one in found:
        if not one.missing:
            is_first = all(one.model != other.model for other in candidates)
            candidates.append(Candidate(one.model, one.variant, MODELS[one.model].kind, is_first))
    return candidates

"""Which scenario is run on which variant, in which order, how often and for how long. Pure: the same arguments give the
same plan.

A cell is one deployment with its scenarios one after the other. All variants have their first cell before any has its
second, each time in another order, so that what the machine does meanwhile falls upon all of them alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING

from proxy.lab.compare.cell_spec import CellSpec, Run
from proxy.lab.compare.settings import QUICK, VARIANTS
from proxy.lab.scenarios.scenario import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from proxy.lab.application import Application
    from proxy.lab.compare.settings import Settings
    from proxy.lab.models.model import Kind
    from proxy.lab.scenarios.scenario import Scenario

# Seconds of measured load in a scenario: three of these tell more than one that is three times as long, and a full run
# of 16 models is over in three quarters of an hour.
FULL = 2.0
WARM_UP = 0.2  # of that, before it; at most WARM_UP_MOST seconds
WARM_UP_MOST = 1.0
BUDGET = 100.0  # seconds of a quick run, of two minutes: the rest is for machines that are busy
SHORTER = (3.0, 2.5, 2.0, 1.5, 1.2, 1.0, 0.8, 0.6, 0.5)  # seconds of load in a quick run, the first that fits
# What needs no longer loads in a quick run, or could tell nothing from shorter ones: memory is there at once; wrk knows
# whole seconds; a worker is killed after 0.2 of the time, and that all is well again shows in the half second after.
QUICK_SECONDS = {"footprint": 0.5, "capacity": 1.0, "crash": 2.0}
# Where two processors have nothing else to do, in seconds; `slowness` is by how much it is more here.
START = 1.2  # of a cell beside its scenarios: Python's imports and the deployment
LOAD_START = 0.3  # of a scenario beside what it says itself: the generator is a process

# What is changed in the kernel, each in the scenario that it matters to, where the default was measured before.
SETTINGS: tuple[tuple[str, dict[str, str], tuple[str, ...]], ...] = (
    # A connection that waits in the queue of a member that died goes to another one, since Linux 5.14.
    ("crash", {"net.ipv4.tcp_migrate_req": "1"}, ("reuseport", "proxy-reuseport")),
    # What backlogs were cut to until Linux 5.4; 4096 since.
    ("burst", {"net.core.somaxconn": "128"}, ("prefork", "reuseport", "proxy-tcp")),
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A variant that can run. stands_for: it is the one of its model in a quick run."""

    model: str
    variant: str
    kind: Kind
    stands_for: bool
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Planning:
    """candidates: all that are to run. scenarios: all that there are; `chosen` are those of `settings`. rate: of open
    loops. slowness: times START and LOAD_START, that starting takes here."""

    settings: Settings
    application: Application
    candidates: Sequence[Candidate]
    scenarios: Sequence[Scenario]
    rate: float
    slowness: float = 1.0

    def cells(self) -> list[CellSpec]:
        """Empty when no scenario suits any candidate."""
        if self.settings.seconds is not None:
            return self.cells_of(self.settings.seconds)
        return fitting(self.cells_of, self.estimate, BUDGET) if self.settings.is_quick else self.cells_of(FULL)

    def estimate(self, cells: Sequence[CellSpec]) -> float:
        """Seconds, about."""
        return sum(self.slowness * START + sum(run.estimate for run in cell.runs) for cell in cells)

    def cells_of(self, seconds: float) -> list[CellSpec]:
        candidates = [*self.candidates, *self._with_settings()]
        cells = []
        for repetition in range(self.settings.repetitions):
            shuffled = list(candidates)
            Random(f"{self.settings.seed}/{repetition}").shuffle(shuffled)
            cells += [self.cell(candidate, repetition, seconds, self.chosen(candidate)) for candidate in shuffled]
        return [cell for cell in cells if cell.runs]

    def chosen(self, candidate: Candidate) -> list[Scenario]:
        """Those that suit it, in the order in which they may follow each other. Of a model's other variants less is
        asked: in the rest they are like the first, and would take most of the time of a full run."""
        names = self.settings.scenarios
        if names is None and self.settings.is_quick:
            names = QUICK
        elif names is None and not candidate.stands_for:
            names = VARIANTS
        return sorted(
            (
                scenario
                for scenario in self.scenarios
                if (names is None or scenario.NAME in names)
                and candidate.kind == scenario.KIND
                and (self.application.is_sample or not scenario.NEEDS_SAMPLE)
                and (not candidate.settings or candidate.settings == _settings_of(scenario, candidate.model))
            ),
            key=lambda scenario: scenario.ORDER,
        )

    def cell(self, candidate: Candidate, repetition: int, seconds: float, scenarios: Sequence[Scenario]) -> CellSpec:
        plan = Plan(
            candidate.model,
            candidate.variant,
            repetition,
            rate=self.rate,
            workers=self.settings.workers,
            paths=self._paths(),
            seed=self.settings.seed + repetition,
            settings=candidate.settings,
        )
        return CellSpec(
            candidate.model,
            candidate.variant,
            repetition,
            self.settings.workers,
            tuple(self._run(scenario, plan, seconds) for scenario in scenarios),
            candidate.settings,
            self.application.name,
            {str(way): words for way, words in self.application.commands.items()},
            self.application.is_sample,
        )

    def _paths(self) -> tuple[tuple[float, str], ...]:
        """None for our sample application alone: then each scenario has its own, which no other one knows."""
        if self.settings.service:
            return self.settings.mix()
        paths = self.settings.paths or (() if self.application.is_sample else ("/",))
        return tuple((1.0, path) for path in paths)

    def _run(self, scenario: Scenario, plan: Plan, seconds: float) -> Run:
        if self.settings.is_quick and self.settings.seconds is None:
            seconds = QUICK_SECONDS.get(scenario.NAME, seconds)
        plan = replace(plan, seconds=seconds, warm_up=min(WARM_UP * seconds, WARM_UP_MOST))
        return Run(scenario.NAME, plan, self.slowness * LOAD_START + scenario.duration(plan))

    def _with_settings(self) -> list[Candidate]:
        """Not in a quick run."""
        if self.settings.is_quick:
            return []
        return [
            Candidate(one.model, one.variant, one.kind, one.stands_for, changed)
            for one in self.candidates
            for _, changed, models in SETTINGS
            if one.stands_for and one.model in models
        ]


def slowness(took: float, cells: Sequence[CellSpec]) -> float:
    """From the seconds that these cells took, planned with a slowness of 1, at most ten times what was thought."""
    starts = sum(START + LOAD_START * len(cell.runs) for cell in cells)
    loads = sum(run.estimate - LOAD_START for cell in cells for run in cell.runs)
    return min(max((took - loads) / starts, 1.0), 10.0) if cells else 1.0


def fitting(
    cells_of: Callable[[float], list[CellSpec]], estimate: Callable[[list[CellSpec]], float], budget: float
) -> list[CellSpec]:
    """With the longest loads that `budget` seconds are enough for; with the shortest when none are."""
    cells: list[CellSpec] = []
    for seconds in SHORTER:
        cells = cells_of(seconds)
        if estimate(cells) <= budget:
            break
    return cells


def _settings_of(scenario: Scenario, model: str) -> dict[str, str] | None:
    return next((changed for name, changed, models in SETTINGS if name == scenario.NAME and model in models), None)

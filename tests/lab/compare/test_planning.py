"""Plans: what suits whom, that repetitions are interleaved, and that a quick run is one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from proxy.lab.application import SAMPLE, parse_application
from proxy.lab.compare.planning import BUDGET, LOAD_START, SHORTER, START, Candidate, Planning, fitting, slowness
from proxy.lab.compare.settings import Settings

if TYPE_CHECKING:
    from proxy.lab.compare.cell_spec import CellSpec
    from proxy.lab.models.model import Kind
    from proxy.lab.scenarios.scenario import Plan


@dataclass(frozen=True)
class Stub:
    """A scenario's face, without the scenario."""

    NAME: str
    ORDER: int = 1
    KIND: Kind = "http"
    NEEDS_SAMPLE: bool = False
    SUMMARY: str = ""

    def duration(self, plan: Plan) -> float:
        return plan.warm_up + plan.seconds

    async def run(self, deployment: Any, plan: Plan) -> Any:
        raise NotImplementedError


SCENARIOS = (
    Stub("crash", 9),
    Stub("capacity", 1),
    Stub("slow", 2, NEEDS_SAMPLE=True),
    Stub("jobs", KIND="jobs"),
    Stub("burst", 3),
    Stub("latency", 2),
)
CANDIDATES = (
    Candidate("reuseport", "supervised", "http", True),
    Candidate("reuseport", "plain-loop", "http", False),
    Candidate("nginx", "", "http", True),
    Candidate("socat-loop", "eof", "jobs", True),
)


def planning(application: Any = SAMPLE, **settings: Any) -> Planning:
    return Planning(Settings(**settings), application, CANDIDATES, SCENARIOS, 250.0)


def of(cells: list[CellSpec], model: str) -> list[CellSpec]:
    return [cell for cell in cells if cell.model == model]


def names(cell: CellSpec) -> list[str]:
    return [run.scenario for run in cell.runs]


def test_each_variant_has_what_suits_it_in_the_order_of_the_scenarios() -> None:
    cells = planning(repetitions=1).cells()
    assert names(of(cells, "nginx")[0]) == ["capacity", "slow", "latency", "burst", "crash"]
    assert names(of(cells, "socat-loop")[0]) == ["jobs"]


def test_other_variants_of_a_model_are_asked_what_a_quick_run_asks_unless_told_otherwise() -> None:
    def asked(**settings: Any) -> list[str]:
        (cell,) = [cell for cell in planning(repetitions=1, **settings).cells() if cell.variant == "plain-loop"]
        return names(cell)

    assert asked() == ["capacity", "latency", "crash"]
    assert asked(scenarios=("burst", "slow")) == ["slow", "burst"]


def test_times_that_only_the_sample_application_knows_are_not_asked_of_others() -> None:
    cells = planning(parse_application(["serve {port}"])).cells()
    assert all("slow" not in names(cell) for cell in cells)


def test_scenarios_choose_the_paths_of_the_sample_application_only() -> None:
    def paths(application: Any, **settings: Any) -> Any:
        return planning(application, **settings).cells()[0].runs[0].plan.paths

    other = parse_application(["app {port}"])
    assert paths(SAMPLE) == ()
    assert paths(other) == ((1.0, "/"),)
    assert paths(other, paths=("/a", "/b")) == paths(SAMPLE, paths=("/a", "/b")) == ((1.0, "/a"), (1.0, "/b"))


def test_repetitions_are_interleaved_and_each_in_another_order() -> None:
    cells = planning(repetitions=4, scenarios=("capacity",)).cells()
    orders = [[(cell.model, cell.variant) for cell in cells[start : start + 3]] for start in range(0, 12, 3)]
    assert [cell.repetition for cell in cells] == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    assert all(len(set(order)) == 3 for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_the_same_seed_gives_the_same_plan_and_another_one_another() -> None:
    assert planning(seed=5).cells() == planning(seed=5).cells()
    assert planning(seed=5).cells() != planning(seed=6).cells()


def test_settings_of_the_kernel_are_changed_where_they_matter() -> None:
    changed = [cell for cell in planning(repetitions=1).cells() if cell.settings]
    assert {(cell.model, cell.variant, *names(cell), *cell.settings.items()) for cell in changed} == {
        ("reuseport", "supervised", "crash", ("net.ipv4.tcp_migrate_req", "1")),
        ("reuseport", "supervised", "burst", ("net.core.somaxconn", "128")),
    }
    assert all(run.plan.settings == cell.settings for cell in changed for run in cell.runs)


def test_a_quick_run_has_few_scenarios_and_the_kernel_as_it_is() -> None:
    cells = planning(is_quick=True).cells()
    assert names(of(cells, "nginx")[0]) == ["capacity", "latency", "crash"]
    assert not any(cell.settings for cell in cells)


def test_a_quick_run_fits_its_budget_with_loads_as_long_as_can_be() -> None:
    many = tuple(Candidate(f"model{number}", "", "http", True) for number in range(15))
    cells = replace(planning(is_quick=True, repetitions=1), candidates=many).cells()
    (seconds,) = {run.plan.seconds for cell in cells for run in cell.runs if run.scenario == "latency"}
    assert seconds in SHORTER[1:-1]
    assert {run.plan.seconds for cell in cells for run in cell.runs if run.scenario == "crash"} == {2.0}
    assert replace(planning(), candidates=many).estimate(cells) <= BUDGET


def test_what_fits_no_budget_is_as_short_as_can_be() -> None:
    shortest = planning().cells_of(SHORTER[-1])
    assert fitting(planning().cells_of, planning().estimate, 1.0) == shortest


def test_an_estimate_is_of_scenarios_and_starts() -> None:
    (cell,) = of(planning(repetitions=1, scenarios=("capacity",), seconds=2.0).cells(), "nginx")
    assert planning().estimate([cell, cell]) == pytest.approx(2 * (START + LOAD_START + 2.4))


def test_where_starting_takes_long_less_fits() -> None:
    quick = replace(planning(is_quick=True, repetitions=1), candidates=3 * CANDIDATES)
    cells = of(quick.cells(), "nginx")
    loads = sum(run.estimate - LOAD_START for cell in cells for run in cell.runs)
    starts = sum(START + LOAD_START * len(cell.runs) for cell in cells)
    assert slowness(loads + 3 * starts, cells) == pytest.approx(3.0)
    assert slowness(0.0, cells) == slowness(5.0, []) == 1.0
    slower, *_ = of(replace(quick, slowness=9.0).cells(), "nginx")
    assert names(slower) == names(cells[0])
    assert sum(run.plan.seconds for run in slower.runs) < sum(run.plan.seconds for run in cells[0].runs)


def test_plans_carry_what_was_asked_for() -> None:
    (cell,) = of(planning(repetitions=1, scenarios=("latency",), paths=("/a",), workers=3).cells(), "nginx")
    (run,) = cell.runs
    assert (run.plan.rate, run.plan.workers, run.plan.paths) == (250.0, 3, ((1.0, "/a"),))
    assert (run.plan.model, run.plan.variant, cell.workers) == ("nginx", "", 3)
    assert cell.to_application() == SAMPLE

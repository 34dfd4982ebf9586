"""A cell: one deployment for its scenarios, another one where a scenario broke it, and reasons where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from proxy.lab.application import SAMPLE, Application, parse_application
from proxy.lab.compare import cell
from proxy.lab.compare.cell_spec import CellSpec, Run
from proxy.lab.compare.events import Deployed, Event, Measured
from proxy.lab.load.generate import LoadFailed
from proxy.lab.results import ScenarioResult
from proxy.lab.scenarios.scenario import Plan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from proxy.lab.deployment import Deployment

PLAN = Plan("direct", "")


class Doing:
    """A scenario that does as it is told to a real deployment."""

    def __init__(self, do: Callable[[Deployment], Awaitable[None]]) -> None:
        self._do = do

    async def run(self, deployed: Deployment, plan: Plan) -> ScenarioResult:
        pids = [float(worker.pid) for worker in deployed.workers()]
        await self._do(deployed)
        return ScenarioResult("", plan.model, plan.variant, plan.repetition, {"pid": pids[0]})


async def nothing(deployed: Deployment) -> None:
    pass


async def kill(deployed: Deployment) -> None:
    await deployed.kill(1)
    while deployed.workers():  # noqa: ASYNC110
        await trio.sleep(0.01)


async def hang(deployed: Deployment) -> None:
    await trio.sleep_forever()


async def fail(deployed: Deployment) -> None:
    raise LoadFailed("no descriptors")


@pytest.fixture
def scenarios(monkeypatch: pytest.MonkeyPatch) -> None:
    for do in (nothing, kill, hang, fail):
        monkeypatch.setitem(cell.SCENARIOS, do.__name__, Doing(do))


def spec_of(*names: str, application: Application = SAMPLE, estimate: float = 0.0) -> CellSpec:
    runs = tuple(Run(name, PLAN, estimate) for name in names)
    commands: Any = dict(application.commands)
    return CellSpec("direct", "", 0, 1, runs, {}, application.name, commands, application.is_sample)


async def run(spec: CellSpec) -> list[Event]:
    events: list[Event] = []
    with trio.fail_after(30):
        await cell.run_cell(spec, events.append)
    return events


def results(events: list[Event]) -> list[ScenarioResult]:
    return [event.result for event in events if isinstance(event, Measured)]


@pytest.mark.slow
async def test_one_deployment_serves_all_that_leave_it_whole(scenarios: None) -> None:
    events = await run(spec_of("nothing", "nothing"))
    assert [event.kind for event in events] == ["deployed", "began", "measured", "began", "measured"]
    assert isinstance(events[0], Deployed)
    assert "backends.hello" in events[0].description
    first, second = results(events)
    assert first.figures == second.figures


@pytest.mark.slow
async def test_after_a_scenario_that_left_it_broken_there_is_a_fresh_one(scenarios: None) -> None:
    events = await run(spec_of("kill", "nothing", "kill"))
    assert [event.kind for event in events].count("deployed") == 2
    first, second, third = results(events)
    assert first.figures != second.figures == third.figures


@pytest.mark.slow
async def test_what_does_not_come_up_is_told_of_every_scenario(scenarios: None) -> None:
    broken = parse_application(["python -c 'raise SystemExit(\"no licence\")' {port}"])
    told = results(await run(spec_of("nothing", "kill", application=broken)))
    assert len(told) == 2
    assert all("did not come up" in result.cannot and "no licence" in result.cannot for result in told)


@pytest.mark.slow
async def test_a_scenario_without_an_end_is_ended(scenarios: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell, "PATIENCE", 0.1)
    hung, after = results(await run(spec_of("hang", "nothing")))
    assert "had not ended" in hung.cannot
    assert after.figures


@pytest.mark.slow
async def test_a_generator_that_fails_is_a_reason(scenarios: None) -> None:
    (failed,) = results(await run(spec_of("fail")))
    assert failed.cannot == "the load generator failed: no descriptors"

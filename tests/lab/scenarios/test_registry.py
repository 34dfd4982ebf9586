"""Every scenario holds to what is expected of one."""

from __future__ import annotations

import pytest

from proxy.lab.scenarios.registry import SCENARIOS
from proxy.lab.scenarios.scenario import Plan, Scenario
from tests.lab.scenarios.support import deployed, is_sound, plan


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))
def test_it_says_what_it_is_and_how_long_it_takes(scenario: Scenario) -> None:
    assert scenario.SUMMARY
    assert 1 < scenario.duration(Plan("direct", "", seconds=5.0)) < 60
    short, long = (scenario.duration(Plan("direct", "", seconds=seconds)) for seconds in (2.0, 10.0))
    assert short < long


def test_those_that_disturb_come_last() -> None:
    names = list(SCENARIOS)
    assert names == sorted(names, key=lambda name: SCENARIOS[name].ORDER)
    assert names[0] == "footprint"


@pytest.mark.slow
async def test_each_runs_on_one_deployment_one_after_the_other() -> None:
    """Of a single process that nobody starts again: what it cannot do is told."""
    made = plan("direct", seconds=0.5, workers=1)
    async with deployed("direct", workers=1) as deployment:
        for name, scenario in SCENARIOS.items():
            if scenario.KIND == "http":
                result = await scenario.run(deployment, made)
                assert result.scenario == name
                assert is_sound(result, made), result

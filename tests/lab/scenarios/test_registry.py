"""Every scenario holds to what is expected of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.lab.scenarios.registry import SCENARIOS
from proxy.lab.scenarios.scenario import Plan, Scenario
from tests.lab.scenarios.support import is_sound

if TYPE_CHECKING:
    from tests.lab.scenarios.conftest import On


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
def test_every_result_is_filed_under_its_plan_and_has_figures_or_a_reason(on_direct: On) -> None:
    for name, (made, result) in on_direct.items():
        assert result.scenario == name
        assert is_sound(result, made), result

"""Specifications of cells as text between two processes."""

from __future__ import annotations

import pytest

from proxy.lab.application import SAMPLE
from proxy.lab.compare.cell_spec import BadCell, CellSpec, Run
from proxy.lab.scenarios.scenario import Plan

PLAN = Plan("nginx", "", 2, paths=((1.0, "/a"),), settings={"net.core.somaxconn": "128"})
SPEC = CellSpec("nginx", "", 2, 4, (Run("burst", PLAN, 7.5),), PLAN.settings, SAMPLE.name, dict(SAMPLE.commands), True)  # type: ignore[arg-type]


def test_it_comes_back_as_it_was() -> None:
    assert CellSpec.from_json(SPEC.to_json()) == SPEC
    assert b"\n" not in SPEC.to_json()


def test_what_is_none_is_told() -> None:
    with pytest.raises(BadCell, match="model"):
        CellSpec.from_json(b'{"variant": ""}')


def test_a_run_without_a_result_is_filed_where_its_result_would_be() -> None:
    (run,) = SPEC.runs
    result = run.cannot("nobody came")
    assert (result.scenario, result.model, result.repetition, result.settings) == ("burst", "nginx", 2, PLAN.settings)
    assert result.cannot == "nobody came"
    assert not result.figures

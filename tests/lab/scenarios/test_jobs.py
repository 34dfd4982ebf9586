"""Jobs for loops around socat: a sender that does not wait for the end loses some of a burst, one that waits none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.lab.application import SAMPLE
from proxy.lab.models.registry import MODELS
from proxy.lab.scenarios import jobs
from tests.clients.support import missing, program
from tests.lab.scenarios.support import deployed, is_sound, plan

if TYPE_CHECKING:
    from proxy.lab.results import ScenarioResult
    from tests.conftest import Figures

BURSTS = 5  # at most, until a blind sender has lost something: each loses about half


async def measured(sender: str) -> ScenarioResult:
    program("socat")
    made = plan("socat-loop", seconds=0.5, variant=sender)
    async with deployed("socat-loop", sender) as deployment:
        result = await jobs.run(deployment, made)
    assert is_sound(result, made)
    return result


def told(result: ScenarioResult) -> str:
    return "; ".join([f"jobs, {result.variant} sender: {result.notes[0]}", *result.notes[1:]])


@pytest.mark.slow
async def test_who_waits_for_the_end_loses_nothing(figures: Figures) -> None:
    result = await measured("eof")
    figures(told(result))
    assert result.figures["lost"] == result.figures["failed"] == 0
    assert result.figures["refused"] + result.figures["reset"] > 0
    assert sum(share.connections for share in result.shares) >= result.figures["intended"]
    assert all(share.connections > 0 and share.busy > 0 for share in result.shares)
    assert [mark.text.split()[1] for mark in result.marks] == ["jobs", "jobs,"]


@pytest.mark.slow
async def test_who_does_not_wait_loses_jobs_in_a_burst(figures: Figures) -> None:
    """Without knowing of one of them."""
    for _ in range(BURSTS):
        result = await measured("blind")
        if result.figures["lost"]:
            break
    figures(told(result))
    assert result.figures["lost"] > 0
    assert result.figures["failed"] == 0
    taken = sum(share.connections for share in result.shares)
    assert taken == result.figures["intended"] - result.figures["lost"]


@pytest.mark.slow
async def test_who_answers_requests_is_no_model_for_it() -> None:
    async with deployed("direct", workers=1) as deployment:
        result = await jobs.run(deployment, plan("direct"))
    assert "takes no jobs" in result.cannot


def test_waves_fill_the_time_with_jobs_of_different_names() -> None:
    together, single = jobs.waves(plan("socat-loop", seconds=6.0, workers=3))
    assert together.apart == 0
    assert len(single.names) * single.apart == pytest.approx(3.6, abs=0.1)
    assert len({*together.names, *single.names}) == len(together.names) + len(single.names)


def test_the_sender_is_the_variant() -> None:
    model = MODELS["socat-loop"]
    assert model.kind == jobs.KIND
    assert list(model.variants(SAMPLE)) == ["eof", "blind"]
    assert not model.missing("eof", SAMPLE) or missing("socat")

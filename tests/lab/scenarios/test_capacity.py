"""The most of one process, by a generator in C and by our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.lab.scenarios import capacity
from tests.clients.support import program
from tests.lab.scenarios.support import deployed, is_sound, plan

if TYPE_CHECKING:
    from tests.conftest import Figures

pytestmark = pytest.mark.slow


async def test_by_whom_it_was_measured_is_told(monkeypatch: pytest.MonkeyPatch, figures: Figures) -> None:
    program("wrk")
    made = plan("direct")
    async with deployed("direct", workers=1) as deployment:
        by_wrk = await capacity.run(deployment, made)
        monkeypatch.setenv("PATH", "")
        by_us = await capacity.run(deployment, made)
    assert is_sound(by_wrk, made)
    assert is_sound(by_us, made)
    assert by_wrk.notes == ("by wrk",)
    assert by_us.notes[0] == "by our own generator (apt-get install wrk)"
    assert by_us.load is not None
    assert not by_us.load.errors
    rates = [result.figures["requests_per_second"] for result in (by_wrk, by_us)]
    figures(f"one process of the sample application: {rates[0]:.0f} requests/s by wrk, {rates[1]:.0f} by ours")
    assert min(rates) > 100


async def test_of_several_paths_only_ours_can_draw() -> None:
    made = plan("direct", seconds=0.3, paths=((1.0, "/a"), (1.0, "/b")))
    async with deployed("direct", workers=1) as deployment:
        result = await capacity.run(deployment, made)
    assert "one path only" in result.notes[0]
    assert result.figures["failed"] == 0

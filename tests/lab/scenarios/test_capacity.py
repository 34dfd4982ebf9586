"""The most of one process, by a generator in C and by our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.lab.scenarios import capacity
from tests.clients.support import program
from tests.lab.scenarios.support import deployed, is_sound, plan

if TYPE_CHECKING:
    from tests.conftest import Figures
    from tests.lab.scenarios.conftest import On


@pytest.mark.slow
def test_of_several_paths_only_ours_can_draw(on_direct: On) -> None:
    _, result = on_direct["capacity"]
    assert result.notes[0] == "by our own generator (others know one path only)"
    assert result.figures["failed"] == 0
    assert result.figures["requests_per_second"] > 100


@pytest.mark.soak
async def test_both_are_about_as_fast(monkeypatch: pytest.MonkeyPatch, figures: Figures) -> None:
    program("wrk")
    made = plan("direct")
    async with deployed("direct", workers=1) as deployment:
        by_wrk = await capacity.run(deployment, made)
        monkeypatch.setenv("PATH", "")
        by_us = await capacity.run(deployment, made)
    assert is_sound(by_wrk, made)
    assert by_wrk.notes == ("by wrk",)
    assert by_us.notes[0] == "by our own generator (apt-get install wrk)"
    rates = [result.figures["requests_per_second"] for result in (by_wrk, by_us)]
    figures(f"one process of the sample application: {rates[0]:.0f} requests/s by wrk, {rates[1]:.0f} by ours")
    assert min(rates) > max(rates) / 5

"""Who gives a worker up: nobody there is to start it, systemd with its own settings; and who does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from proxy.lab.models.systemd.template import DEFAULTS, SANE
from proxy.lab.scenarios import crash_loop
from tests.lab.scenarios.support import deployed, plan
from tests.lab.systemd.support import systemd_needed

if TYPE_CHECKING:
    from proxy.lab.results import ScenarioResult

pytestmark = pytest.mark.slow


async def test_a_process_that_nobody_starts_again_is_missing_after_its_first_death() -> None:
    async with deployed("direct", workers=1) as deployment:
        result = await crash_loop.run(deployment, plan("direct", workers=1))
    assert result.figures["missing"] == 1.0
    assert len(result.marks) == 1
    assert result.notes[-1] == "worker 1 was killed 1 time, and then nobody started it again"


async def test_systemd_gives_up_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The start-limit trap, and the settings that escape it. The other worker answers on, so that no request fails for
    want of the one that is given up."""
    systemd_needed()
    monkeypatch.setattr(crash_loop, "PATIENCE", 2.0)  # seconds; systemd takes at most half of one
    found: dict[str, ScenarioResult] = {}

    async def run(variant: str) -> None:
        async with deployed("systemd", variant) as deployment:
            found[variant] = await crash_loop.run(deployment, plan("systemd", seconds=3.0))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, SANE)
        nursery.start_soon(run, DEFAULTS)
    assert {variant: result.figures["missing"] for variant, result in found.items()} == {SANE: 0.0, DEFAULTS: 1.0}
    for result in found.values():
        assert len(result.marks) >= crash_loop.KILLS - 1
        assert result.load is not None
        assert result.load.timeline[-1].completed

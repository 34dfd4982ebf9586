"""What one process takes, beside what the kernel and the request say."""

from __future__ import annotations

import pytest

from proxy.lab.scenarios import footprint
from tests.lab.scenarios.support import deployed, is_sound, plan

pytestmark = pytest.mark.slow


async def test_a_request_that_burns_a_known_time_costs_that() -> None:
    made = plan("direct", rate=60.0, paths=((1.0, "/?cpu=0.005"),))
    async with deployed("direct", workers=1) as deployment:
        result = await footprint.run(deployment, made)
    assert is_sound(result, made)
    assert result.figures["processes"] == 1
    assert 4 << 20 < result.figures["memory"] < 200 << 20
    assert 0.0045 < result.figures["cpu_per_request"] < 0.010, "and what it takes to read and answer"

"""A time that is known: requests that sleep."""

from __future__ import annotations

import pytest

from proxy.lab.scenarios import latency
from tests.lab.scenarios.support import deployed, is_sound, plan

pytestmark = pytest.mark.slow


async def test_percentiles_of_what_was_asked_for() -> None:
    made = plan("direct", paths=((0.9, "/?delay=0.01"), (0.1, "/?delay=0.1")))
    async with deployed("direct", workers=1) as deployment:
        result = await latency.run(deployment, made)
    assert is_sound(result, made)
    figures = result.figures
    assert figures["failed"] == figures["refused"] == 0
    assert figures["intended"] > 60
    assert 0.0099 <= figures["p50"] <= figures["p90"] <= figures["p99"] <= figures["p999"] <= figures["max"]
    assert figures["p99"] >= 0.099

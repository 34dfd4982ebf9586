"""Generated pipelines, with and without mistakes, through one running proxy: 2,000, or 100,000 with `--soak`."""

from __future__ import annotations

import os
from collections import Counter

import pytest
import trio
from hypothesis import HealthCheck, given, settings

from tests.hostile.generator import pipelines
from tests.hostile.trial import Result, faults, rig

FEW, MANY = 2_000, 100_000


def examples(config: pytest.Config) -> int:
    """pytest knows the option only when a folder that declares it is named; the variable works from anywhere."""
    is_soaking = config.getoption("soak", default=False) or os.environ.get("SOAK", "") not in ("", "0")
    return MANY if is_soaking else FEW


@pytest.mark.slow
async def test_generated_pipelines_mean_the_same_to_the_backend(
    pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    """Hypothesis runs in a thread; each of its examples is a call into this event loop. The same ones every time, but
    new ones in the nightly mode."""
    number = examples(pytestconfig)
    tally: Counter[str] = Counter()
    async with rig() as running:

        async def run(data: bytes, cuts: list[int]) -> Result:
            data += running.canary()
            pieces = [data[i:j] for i, j in zip([0, *cuts], [*cuts, len(data)], strict=True)]
            return await running.send(pieces, data, wait=bool(cuts))

        @settings(
            max_examples=number, deadline=None, database=None, derandomize=number == FEW,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(pipelines())
        def check(pipeline: tuple[bytes, list[int]]) -> None:
            result = trio.from_thread.run(run, *pipeline)
            tally[result.expected.end] += 1
            tally["stricter"] += result.refusal is not None and result.expected.end in ("complete", "last")
            assert faults(result) == []

        await trio.to_thread.run_sync(check)
        with capsys.disabled():
            print(f"\ngenerated: {running.counts()}; read strictly they are {dict(tally)}", end="")
    assert running.trials >= number
    assert 0.1 * number < running.refused < 0.9 * number  # neither all too wild nor all too tame

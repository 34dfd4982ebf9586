"""Generated pipelines, with and without mistakes, through one running proxy: 2,000, or 100,000 with `--soak`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import HealthCheck, given, settings

from tests.hostile.generator import pipelines
from tests.hostile.trial import Result, faults, rig, summary

if TYPE_CHECKING:
    from tests.conftest import Figures

FEW, MANY = 2_000, 100_000


@pytest.mark.slow
async def test_generated_pipelines_mean_the_same_to_the_backend(soaking: bool, figures: Figures) -> None:
    """Hypothesis runs in a thread; each of its examples is a call into this event loop. The same ones every time, but
    new ones in the nightly mode. What was cut into segments is sent whole as well: the same must come of it."""
    number = MANY if soaking else FEW
    tally: Counter[str] = Counter()
    async with rig() as running:

        async def run(data: bytes, cuts: list[int]) -> list[Result]:
            whole = data + running.canary()
            results = [await running.send([whole], whole)]
            if cuts:
                data += running.canary()
                pieces = [data[i:j] for i, j in zip([0, *cuts], [*cuts, len(data)], strict=True)]
                results.append(await running.send(pieces, data, wait=True))
            return results

        @settings(
            max_examples=number, deadline=None, database=None, derandomize=number == FEW,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(pipelines())
        def check(pipeline: tuple[bytes, list[int]]) -> None:
            whole, *others = trio.from_thread.run(run, *pipeline)
            tally[whole.expected.end] += 1
            tally["stricter"] += whole.refusal is not None and whole.expected.end in ("complete", "last")
            assert faults(whole) == []
            for result in others:
                assert faults(result) == []
                assert summary(result) == summary(whole)

        await trio.to_thread.run_sync(check)
        figures(f"hostile: {tally.total() - tally['stricter']} generated pipelines, {running.counts()}")
        figures(f"         read strictly they are {dict(tally)}; at the backend no request but those that were meant")
    assert running.trials >= number
    assert 0.1 < running.refused / running.trials < 0.9  # neither all too wild nor all too tame

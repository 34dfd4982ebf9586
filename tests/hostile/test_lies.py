"""Generated answers of a lying backend, through one running proxy: 1,000, or 20,000 with `--soak`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import HealthCheck, given, settings

from tests.hostile.lie_trial import faults, lie_rig
from tests.hostile.lies import Lie, lies

if TYPE_CHECKING:
    from tests.conftest import Figures

FEW, MANY = 1_000, 20_000


@pytest.mark.slow
async def test_a_damaged_answer_is_never_whole_and_never_anothers(soaking: bool, figures: Figures) -> None:
    number = MANY if soaking else FEW
    tally: Counter[str] = Counter()
    async with lie_rig() as running:

        @settings(
            max_examples=number, deadline=None, database=None, derandomize=number == FEW,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(lies())
        def check(lie: Lie) -> None:
            kind, wrong = faults(lie, trio.from_thread.run(running.tell, lie))
            tally[kind] += 1
            assert wrong == []

        await trio.to_thread.run_sync(check)
        assert running.server.reactor.crashes == 0
        figures(f"hostile: {running.trials} generated answers, the client got {dict(tally)}; none damaged and whole")
    assert tally["whole"] > 0.1 * number
    assert tally["refused"] > 0.1 * number
    assert tally["cut"] > 0.01 * number

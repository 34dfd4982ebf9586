"""One process: whoever comes behind a slow request waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.lab.scenarios import slow
from tests.lab.scenarios.support import plan

if TYPE_CHECKING:
    from tests.lab.scenarios.conftest import On


@pytest.mark.slow
def test_the_fast_ones_alone_are_told_and_wait_for_the_slow(on_direct: On) -> None:
    _, result = on_direct["slow"]
    assert result.load is not None
    assert result.figures["intended"] == result.load.intended
    assert result.figures["p50"] <= result.figures["fast_p95"] <= result.figures["fast_p99"] <= result.figures["max"]
    assert result.figures["max"] > slow.SLOW / 2


def test_the_load_is_a_part_of_what_the_workers_can_do() -> None:
    one, four = (slow.rate(plan("direct", workers=workers)) for workers in (1, 4))
    assert one == pytest.approx(0.4 / 0.00298)
    assert four == 4 * one

"""A time that is known: requests of which nine in ten sleep 10 ms, and the rest 100."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lab.scenarios.conftest import On


@pytest.mark.slow
def test_percentiles_of_what_was_asked_for(on_direct: On) -> None:
    figures = on_direct["latency"][1].figures
    assert figures["failed"] == figures["refused"] == 0
    assert figures["intended"] > 30
    assert 0.0099 <= figures["p50"] <= figures["p90"] <= figures["p99"] <= figures["p999"] <= figures["max"]
    assert figures["p99"] >= 0.099

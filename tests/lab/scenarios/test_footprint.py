"""What one process takes, for requests that burn 5 ms each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lab.scenarios.conftest import On


@pytest.mark.slow
def test_a_request_costs_what_it_burns_and_what_it_takes_to_answer(on_direct: On) -> None:
    figures = on_direct["footprint"][1].figures
    assert figures["processes"] == 1
    assert 4 << 20 < figures["memory"] < 200 << 20
    assert 0.0045 < figures["cpu_per_request"] < 0.015

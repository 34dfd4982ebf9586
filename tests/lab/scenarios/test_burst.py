"""Bursts against one process, in which the last of a hundred waits for 50 ms of work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lab.scenarios.conftest import On


@pytest.mark.slow
def test_all_come_at_once_and_wait_for_each_other(on_direct: On) -> None:
    _, result = on_direct["burst"]
    assert result.notes[0] == "4 bursts of 100 connections"
    assert result.figures["intended"] == 400
    assert result.figures["max"] > 0.04

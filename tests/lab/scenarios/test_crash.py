"""A process that nobody starts again, and when others are killed."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import pytest

from proxy.lab.scenarios import crash

if TYPE_CHECKING:
    from tests.lab.scenarios.conftest import On


@pytest.mark.slow
def test_who_is_not_started_again_refuses_until_the_end_and_never_recovers(on_direct: On) -> None:
    _, result = on_direct["crash"]
    assert [mark.text for mark in result.marks] == ["SIGKILL worker 1"]
    assert result.figures["refused"] > 4
    assert result.figures["recovery"] == inf
    assert result.notes[-1] == "1 of 1 times not as before until the next fault or the end"


def test_kills_are_as_far_apart_as_it_takes_to_see_what_came_of_each() -> None:
    assert crash.moments(5.0) == [1.0, 2.25, 3.5]
    assert crash.moments(2.0) == [0.4]
    assert crash.moments(10.0) == [2.0, 4.5, 7.0]

"""Events as lines: what is written is read, whatever is in it."""

from __future__ import annotations

from math import inf

import pytest

from proxy.lab.compare.events import Began, Deployed, Event, Measured, Planned, from_line, to_line
from proxy.lab.results import Lateness, LoadResult, Mark, ScenarioResult, Slot, WorkerShare

LOAD = LoadResult(
    1.0, 9, 9, 8, {"reset": 1}, "HIST", "HIST", Lateness(0.0, 0.1, 0.2), 0.3, True, "", (Slot(0.1, 8, 1, 0.01, 0.02),)
)
RESULT = ScenarioResult(
    "crash", "reuseport", "supervised", 1, {"reset": 1.0, "recovery": inf}, {}, LOAD,
    (WorkerShare(1, 77, 4, None, 0.5),), (Mark(0.5, "SIGKILL worker 1"),), ("a line\nand another",),
)  # fmt: skip


@pytest.mark.parametrize(
    "event",
    [Planned(3, 4.5, 100.0, "why"), Deployed("a", "b", "x\ny"), Began("a", "", 0, "crash", 1.5), Measured(RESULT)],
    ids=lambda event: event.kind,
)
def test_it_comes_back_as_it_was(event: Event) -> None:
    line = to_line(event)
    assert line.count(b"\n") == 1
    assert from_line(line) == event


@pytest.mark.parametrize("line", [b"hello", b"{}", b'{"kind": "deployed"}'])
def test_what_is_no_event(line: bytes) -> None:
    with pytest.raises(ValueError, match="validation error"):
        from_line(line)

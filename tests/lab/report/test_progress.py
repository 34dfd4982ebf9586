from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from proxy.lab.compare.events import Began, Deployed, Measured, Planned
from proxy.lab.figures import FIGURES
from proxy.lab.report.progress import TELLING, Progress, minutes, told
from proxy.lab.results import ScenarioResult
from tests.lab.report.comparisons import load, result

if TYPE_CHECKING:
    from proxy.lab.compare.events import Event

EVENTS: tuple[Event, ...] = (
    Planned(4, 100.0),
    Planned(3, 80.0, 250.0, "half of what the slowest can do"),
    Deployed("direct", "", "python"),
    Began("direct", "", 1, "latency", 5.0),
    Measured(result("latency", "direct", p50=0.001, p99=0.0042, failed=0.0)),
    Planned(2, 60.0, 250.0, "half of what the slowest can do"),
    Began("prefork", "epoll", 0, "crash", 5.0),
)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_what_is_told(is_terminal: bool) -> None:
    now = 1000.0
    written = io.StringIO()
    console = Console(file=written, force_terminal=is_terminal, width=100)
    with Progress(console, lambda: now) as progress:
        for event in EVENTS:
            progress.tell(event)
        now += 10
        assert progress.remaining == 50
        now += 1000
        assert progress.remaining == 1
    text = written.getvalue()
    assert "4 measurements, about 2 min." in text
    assert text.count("Rate: 250 requests per second (half of what the slowest can do).") == 1
    assert "p99 4.2 ms  failed 0" in text
    assert ("prefork (epoll): crash" in text) == is_terminal
    assert ("1/3" in text) == is_terminal


def test_what_is_shown_are_figures() -> None:
    assert set(TELLING) <= set(FIGURES)


def test_lines() -> None:
    assert told(ScenarioResult("restart", "direct", "", 0, {}, cannot="one process")).endswith("cannot: one process")
    late = result("capacity", "direct", of=load(0.001, 1, why_invalid="late"), requests_per_second=9000.0)
    assert told(late).split() == [
        "direct",
        "capacity",
        "requests_per_second",
        "9,000/s",
        "(does",
        "not",
        "count:",
        "late)",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.2, "1 s"), (89, "89 s"), (91, "2 min"), (3599, "1 h 0 min"), (4800, "1 h 20 min")]
)
def test_minutes(seconds: float, text: str) -> None:
    assert minutes(seconds) == text

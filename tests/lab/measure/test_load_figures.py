"""The figures of a recorded load."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.lab.figures import FIGURES
from proxy.lab.load.recorder import encoded, histogram
from proxy.lab.measure.load_figures import doubts, errors, latencies, percentile
from proxy.lab.results import Lateness, LoadResult

CAUSES = {"refused": 1, "no-socket": 2, "reset": 4, "closed": 8, "timeout": 16, "unsent": 32, "status-503": 64}
LOAD = LoadResult(
    seconds=1.0, intended=227, sent=200, completed=100, errors=CAUSES,
    latency=encoded(histogram([0.010] * 98 + [0.200, 0.500])), service="", lateness=Lateness(0, 0, 0), cpu_share=0.1,
    valid=True, why_invalid="", timeline=(),
)  # fmt: skip
EMPTY = encoded(histogram([]))


def test_errors_by_what_the_client_met() -> None:
    found = errors(LOAD)
    assert found == {"intended": 227, "failed": 127, "refused": 3, "reset": 12, "hung": 48}
    assert found.keys() <= FIGURES.keys()


def test_percentiles_in_seconds() -> None:
    found = latencies(LOAD)
    assert found["p50"] == pytest.approx(0.010, rel=0.01)
    assert found["p99"] == percentile(LOAD, 99.0) == pytest.approx(0.200, rel=0.01)
    assert found["p999"] == found["max"] == pytest.approx(0.500, rel=0.01)
    assert found.keys() <= FIGURES.keys()


def test_without_any_answer_there_are_no_percentiles() -> None:
    assert latencies(replace(LOAD, latency=EMPTY)) == {}


def test_what_the_generator_doubts_is_noted() -> None:
    assert doubts(LOAD) == ()
    assert doubts(replace(LOAD, valid=False, why_invalid="it was late")) == ("not valid: it was late",)

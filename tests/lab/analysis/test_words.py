from __future__ import annotations

from math import inf

import pytest

from proxy.lab.analysis.words import size_text, time_text, value_text
from proxy.lab.figures import FIGURES


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 s"), (0.00012345, "123 us"), (0.0123, "12.3 ms"), (1.5, "1.5 s"), (1234.4, "1234 s"), (inf, "endless")],
)
def test_times(seconds: float, text: str) -> None:
    assert time_text(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (12_345_678, "11.8 MiB"), (2**30 * 2, "2 GiB")]
)
def test_sizes(size: float, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("requests_per_second", 15300.4, "15,300/s"),
        ("p99", 0.0042, "4.2 ms"),
        ("failed", 31.0, "31"),
        ("failed", 2.5, "2.5"),
        ("jain_requests", 0.98765, "0.988"),
        ("chance_cv", 0.1, "0.1"),
        ("memory", 2**20, "1 MiB"),
        ("processes", 3, "3"),
    ],
)
def test_values(name: str, value: float, text: str) -> None:
    assert value_text(value, FIGURES[name].unit) == text


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_words_for_every_value(name: str) -> None:
    for value in (0.0, 1e-9, 0.5, 1.0, 99.5, 1e12, inf):
        assert value_text(value, FIGURES[name].unit)

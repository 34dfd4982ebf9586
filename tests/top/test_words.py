"""Numbers as people read them."""

from __future__ import annotations

import pytest

from proxy.top import words


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0, "0"), (7, "7"), (0.5, "0.5"), (9_999, "9999"), (12_345, "12k"), (1_250_000.0, "1.2M")],
)
def test_amount(value: float | None, text: str) -> None:
    assert words.amount(value) == text


def test_what_is_seldom_is_not_never() -> None:
    assert words.rate(0.02) == "<0.1"
    assert words.rate(0.0) == "0"
    assert words.rate(None) == "-"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.0000421, "42us"), (0.00234, "2.3ms"), (0.9, "900ms"), (1.26, "1.3s"), (12.3, "12s")],
)
def test_seconds(value: float | None, text: str) -> None:
    assert words.seconds(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (999, "999B"), (5_452_595, "5.2MiB"), (2**41, "2048GiB")])
def test_size(value: float | None, text: str) -> None:
    assert words.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(-3, "0s"), (59.9, "59s"), (60, "1min"), (7_300, "2h"), (100_000, "27h"), (200_000, "2d")],
)
def test_age(value: float, text: str) -> None:
    assert words.age(value) == text


def test_share() -> None:
    assert words.share(1, 4) == "25%"
    assert words.share(0, 0) == "-"


def test_a_spark_keeps_its_width_and_shows_that_something_is_not_nothing() -> None:
    assert words.spark([0.0, 0.001, 5.0, 10.0], 10.0, 6) == "   \N{LOWER ONE EIGHTH BLOCK}▄█"
    assert words.spark([1.0] * 99, 1.0, 4) == "████"
    assert words.spark([0.0], 0.0, 3) == "   "


def test_a_bar_keeps_its_width() -> None:
    assert words.bar(1, 2, 4) == "██  "
    assert words.bar(0.01, 100, 4) == "█   "
    assert words.bar(9, 3, 4) == "████"
    assert words.bar(0, 0, 4) == "    "

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.lab.report.html.scale import Linear, Logarithmic, from_zero, logarithmic


def test_linear() -> None:
    scale = Linear(0, 10, 100, 200)
    assert [scale(value) for value in (0, 5, 10, -1, 99, inf)] == [100, 150, 200, 100, 200, 200]
    assert Linear(3, 3, 7, 9)(3) == 7


def test_logarithmic() -> None:
    scale = Logarithmic(0.001, 0.1, 90, 0)
    assert [round(scale(value)) for value in (0.001, 0.01, 0.1, 0, inf)] == [90, 45, 0, 90, 0]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0009, 0.011, [0.001, 0.002, 0.005, 0.01]),
        (0.001, 1.0, [0.001, 0.01, 0.1, 1.0]),
        (1e-6, 10.0, [1e-6, 1e-4, 1e-2, 1.0]),
    ],
)
def test_ticks(low: float, high: float, ticks: list[float]) -> None:
    assert Logarithmic(low, high, 0, 1).ticks() == pytest.approx(ticks)


@given(st.lists(st.floats(1e-6, 1e4), min_size=1), st.floats(1e-6, 1e4))
def test_everything_is_on_the_scale(values: list[float], value: float) -> None:
    scale = logarithmic([*values, inf, 0.0], 10, 200)
    assert scale is not None
    assert all(scale.low < one < scale.high for one in values)
    assert 10 <= scale(value) <= 200
    assert scale.high / scale.low > 3.1


def test_nothing_to_draw() -> None:
    assert logarithmic([0.0, inf], 0, 1) is None
    assert from_zero([], 5, 9)(0) == 5
    assert from_zero([inf, 4.0], 0, 100)(2) == 50

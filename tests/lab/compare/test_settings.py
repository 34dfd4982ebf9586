"""Settings: what makes no sense is told in the words of the command line."""

from __future__ import annotations

import pytest

from proxy.lab.compare.settings import Settings


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"workers": 0}, "--workers: 0 is not above 0"),
        ({"repetitions": -1}, "--repetitions: -1 is not above 0"),
        ({"rate": 0.0}, "--rate: 0.0 is not above 0"),
        ({"seconds": float("inf")}, "--seconds: inf"),
        ({"service": "5ms"}, "--service: '5ms' is no service time"),
        ({"service": "pareto:5ms,2"}, "--service: loads are made of constant, exponential and slow service times"),
        ({"service": "constant:5ms", "paths": ("/",)}, "--service and --path: give one of them"),
        ({"paths": ("index.html",)}, "--path: 'index.html' does not begin with /"),
    ],
)
def test_what_makes_no_sense(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Settings(**wrong)  # type: ignore[arg-type]


def test_as_text_it_is_complete() -> None:
    told = Settings(is_quick=True, paths=("/a", "/b"), workers=3).as_text()
    assert told == {"mode": "quick", "workers": "3", "repetitions": "3", "seed": "1", "paths": "/a /b"}

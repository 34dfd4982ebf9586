"""A comparison as JSON and back: all that was measured, for other programs and for a later report.

The text is one object with the fields of `results.Comparison`, named as there and nested as there. A figure that is
endless, a recovery that never came, is null, since JSON has no infinity.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from math import inf, isfinite, isnan
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from proxy.lab.results import Comparison, ScenarioResult

T = TypeVar("T")


class BadComparison(ValueError):
    """A text that is no comparison; the message has the place and what is wrong there."""


def to_json(comparison: Comparison) -> str:
    """Ends in a newline. Figures that are no number at all are left out, as those that were not measured."""
    values = asdict(comparison)
    for result in values["results"]:
        result["figures"] = _without_infinity(result["figures"])
    return json.dumps(values, indent=1, allow_nan=False) + "\n"


def from_json(text: str | bytes) -> Comparison:
    """What `to_json` wrote. Raises BadComparison."""
    values = _parsed(text)
    results = values.get("results") if isinstance(values, dict) else None
    for result in results if isinstance(results, list) else ():
        _with_infinity(result)
    return _read(TypeAdapter(Comparison), values)


def result_to_json(result: ScenarioResult) -> str:
    """In one line, without its end."""
    values = asdict(result)
    values["figures"] = _without_infinity(values["figures"])
    return json.dumps(values, allow_nan=False)


def result_from_json(text: str | bytes) -> ScenarioResult:
    """What `result_to_json` wrote. Raises BadComparison."""
    values = _parsed(text)
    _with_infinity(values)
    return _read(TypeAdapter(ScenarioResult), values)


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:  # text that is no UTF-8 among them
        raise BadComparison(f"no JSON: {error}") from None


def _without_infinity(figures: dict[str, float]) -> dict[str, float | None]:
    return {name: value if isfinite(value) else None for name, value in figures.items() if not isnan(value)}


def _with_infinity(result: Any) -> None:
    figures = result.get("figures") if isinstance(result, dict) else None
    if isinstance(figures, dict):
        result["figures"] = {name: inf if value is None else value for name, value in figures.items()}


def _read(adapter: TypeAdapter[T], values: Any) -> T:
    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadComparison(f"no comparison: {place + ': ' if place else ''}{first['msg']}") from None

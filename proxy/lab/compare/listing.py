"""`rproxy compare --list`: the models, which of their variants can run here and what the others lack; the scenarios."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from proxy.lab.results import Available
    from proxy.lab.scenarios.scenario import Scenario

NAME = 18  # columns
WIDTH = 120


def as_text(available: Sequence[Available], scenarios: Iterable[Scenario]) -> str:
    """Lines of at most WIDTH columns."""
    lines = ["models:"]
    for model in dict.fromkeys(one.model for one in available):
        lines += _model([one for one in available if one.model == model])
    lines += ["", "scenarios:"]
    for scenario in scenarios:
        lines += _entry(scenario.NAME, scenario.SUMMARY)
    return "\n".join(lines) + "\n"


def _model(variants: Sequence[Available]) -> list[str]:
    lines = _entry(variants[0].model, variants[0].summary)
    names = [one.variant for one in variants if one.variant and not one.missing]
    if names:
        lines += _entry("", f"variants: {', '.join(names)}")
    for missing in dict.fromkeys(one.missing for one in variants if one.missing):
        lacking = [one.variant for one in variants if one.missing == missing and one.variant]
        of = f" of {', '.join(lacking)}" if lacking and len(lacking) < len(variants) else ""
        lines += _entry("", f"not available{of}: {'; '.join(missing)}")
    return lines


def _entry(name: str, text: str) -> list[str]:
    indent = "  " + " " * NAME
    wrapped = textwrap.wrap(text, WIDTH - len(indent), break_long_words=False, break_on_hyphens=False)
    first, *rest = wrapped or [""]
    return [f"  {name:{NAME}}{first}".rstrip(), *(indent + line for line in rest)]

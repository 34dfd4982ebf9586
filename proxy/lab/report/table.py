"""A comparison in a terminal: a row for each way, from the best, and the verdict below."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from proxy.lab.analysis.ranking import ROUNDS, value_of
from proxy.lab.analysis.summary import Summary
from proxy.lab.analysis.words import value_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from proxy.lab.analysis.ranking import Round, Value
    from proxy.lab.analysis.summary import Way
    from proxy.lab.analysis.verdict import Verdict
    from proxy.lab.results import Comparison

NAME_WIDTH = 24  # columns; longer names are wrapped
CONFIDENCE = {
    "none": "No confidence",
    "low": "Low confidence",
    "fair": "Fair confidence",
    "high": "High confidence",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """tells: what the way dropped out for, or that it is level with the best of its round."""

    text: str
    is_reason: bool = False


def results_table(comparison: Comparison, verdict: Verdict) -> Table:
    """Fits 80 columns. A column for each round of the ranking that something was measured for."""
    summary = Summary(comparison)
    rounds = [one for one in ROUNDS if any(value_of(one, summary, way).estimate for way in verdict.ranking.order)]
    made = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    made.add_column("", max_width=NAME_WIDTH, overflow="fold")
    for one in rounds:
        made.add_column(one.title, justify="right", no_wrap=True)
    for number, way in enumerate(verdict.ranking.order):
        cells = [_cell(one, summary, way, verdict) for one in rounds]
        made.add_row(Text(str(way), "bold" if number == 0 else ""), *(_text(cell) for cell in cells))
    return made


def _cell(judged: Round, summary: Summary, way: Way, verdict: Verdict) -> Cell:
    dropped = verdict.ranking.dropped_in(way)
    is_reason = dropped is not None and dropped.round == judged
    return Cell(short(judged, value_of(judged, summary, way)), is_reason)


def short(judged: Round, value: Value) -> str:
    """A figure in at most nine characters."""
    if value.estimate is None:
        return "?" if value.is_excused else "-"
    if value.estimate.median == inf:
        return "all"
    return value_text(value.estimate.median, judged.unit)


def _text(cell: Cell) -> Text:
    """What decided is marked by more than a colour."""
    return Text(f"{cell.text}<", "yellow") if cell.is_reason else Text(f"{cell.text} ")


def verdict_text(verdict: Verdict) -> RenderableType:
    """Paragraphs, wrapped by the terminal."""
    parts: list[RenderableType] = [Text(verdict.headline, "bold")]
    parts += _bullets(verdict.reasons)
    parts.append(Text(f"{CONFIDENCE[verdict.confidence]}{'.' if not verdict.doubts else ':'}"))
    parts += _bullets(verdict.doubts)
    if verdict.runner_up is not None:
        parts.append(Text(f"Next: {verdict.why_runner_up}"))
    if others := [need for need in verdict.needs if need.is_other]:
        parts.append(Text("Where another is better, if that is what counts most:"))
        parts += _bullets(
            [f"{need.wish.text}: {need.way}, {need.value}" + _against(need.chosen) for need in others],
        )
    if verdict.advice:
        parts.append(Text("Worth knowing:"))
        parts += _bullets(verdict.advice)
    return Group(*parts)


def _against(chosen: str) -> str:
    return f" (against {chosen})" if chosen else ""


def _bullets(texts: Sequence[str]) -> list[RenderableType]:
    """With a hanging indent."""
    made: list[RenderableType] = []
    for text in texts:
        line = Table.grid(padding=(0, 1))
        line.add_row("-", Text(text))
        made.append(Padding(line, (0, 0, 0, 2)))
    return made


def missing_text(comparison: Comparison) -> str:
    """A line for each variant that cannot run here, or of which nothing could be measured; empty when there is none."""
    missing = [
        f"  {one.model}{f' ({one.variant})' if one.variant else ''}: {'; '.join(one.missing)}"
        for one in comparison.available
        if one.missing
    ]
    summary = Summary(comparison)
    failed = [f"  {way}: {why}" for way in summary.ways if (why := summary.failed(way))]
    return "\n".join(
        [*(["Not available here:"] if missing else []), *missing, *(["Not measured:"] if failed else []), *failed]
    )


def report_text(comparison: Comparison, verdict: Verdict) -> RenderableType:
    """All of it."""
    parts: list[RenderableType] = []
    if verdict.ranking.order:
        legend = "< dropped out for this   - not measured   ? not known   all: cannot be restarted"
        parts += [results_table(comparison, verdict), Text(legend, "dim"), ""]
    parts.append(verdict_text(verdict))
    if missing := missing_text(comparison):
        parts += ["", Text(missing)]
    return Group(*parts)

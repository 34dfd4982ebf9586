"""All ways at a glance: a row for each, from the best; a column for each question, with a bar on the column's scale."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING

from proxy.lab.analysis.ranking import ROUNDS, Round, Value, value_of
from proxy.lab.analysis.words import value_text
from proxy.lab.figures import FIGURES
from proxy.lab.report.html.element import el, svg, title
from proxy.lab.report.html.scale import Linear, Logarithmic, from_zero, logarithmic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from xml.etree.ElementTree import Element

    from proxy.lab.analysis.summary import Summary, Way
    from proxy.lab.analysis.verdict import Verdict

BAR, THICK = 100.0, 10.0  # pixels of a bar's place
MORE = (("crash", "recovery", "recovery"), ("footprint", "cpu_per_request", "CPU a request"))
HEADS = {  # of a column, and what it says when the pointer rests on it
    "fails": "failed at an ordinary load",
    "gone": "workers not started again",
    "lost": "failed when workers die or restart",
    "p99": "p99 at an ordinary load",
    "fast p99": "p99 of fast requests beside slow",
    "capacity": "answered at most",
}


@dataclass(frozen=True, slots=True)
class Column:
    """judged: the question. values: by way. decided: those that dropped out for it. best: those that are as good as
    the best of all that were measured."""

    judged: Round
    values: Mapping[Way, Value]
    decided: frozenset[Way]
    best: frozenset[Way]
    scale: Linear | Logarithmic | None

    @property
    def head(self) -> str:
        return HEADS.get(self.judged.title, self.judged.title)


def matrix(summary: Summary, verdict: Verdict) -> Element:
    order = verdict.ranking.order
    columns = [column for one in (*ROUNDS, *_more()) if (column := _column(one, summary, verdict))]
    heads = [el("th", one.head, scope="col") for one in columns]
    rows = [
        el(
            "tr",
            el("th", str(number), scope="row", class_="rank"),
            el("th", way.model, el("small", way.variant) if way.variant else None, scope="row"),
            *[_cell(column, way) for column in columns],
            class_="chosen" if way == verdict.deploy else None,
        )
        for number, way in enumerate(order, 1)
    ]
    head = el("thead", el("tr", el("th"), el("th"), *heads))
    return el("div", el("table", head, el("tbody", *rows), class_="matrix"), class_="wide")


def tiles(summary: Summary, verdict: Verdict) -> Element | None:
    """The figures of the one to deploy that decided, in large."""
    columns = [column for one in ROUNDS if (column := _column(one, summary, verdict))]
    if verdict.deploy is None or not columns:
        return None
    items = [el("li", el("b", _text(one, one.values[verdict.deploy])), el("span", one.head)) for one in columns]
    return el("ul", *items, class_="tiles")


def _more() -> list[Round]:
    """What is worth seeing beside what decides."""
    return [
        Round(head, "", "", FIGURES[figure].unit, FIGURES[figure].better or "less", 0.1, 0.0, (scenario,), figure)
        for scenario, figure, head in MORE
    ]


def _column(judged: Round, summary: Summary, verdict: Verdict) -> Column | None:
    """None where nothing was measured."""
    order = verdict.ranking.order
    values = {way: value_of(judged, summary, way) for way in order}
    medians = {way: one.estimate.median for way, one in values.items() if one.estimate}
    if not medians:
        return None
    decided = [one for one in verdict.ranking.outcomes if one.round == judged]
    best = (min if judged.better == "less" else max)(medians.values())
    is_telling = isfinite(best) and len(set(medians.values())) > 1
    return Column(
        judged,
        values,
        frozenset(value.way for one in decided for value in one.dropped),
        frozenset(way for way, value in medians.items() if is_telling and value == best),
        _scale(judged, values.values()),
    )


def _scale(judged: Round, values: Iterable[Value]) -> Linear | Logarithmic | None:
    """Times differ by decades, and their bars would be nothing beside one that is late."""
    found = [one.estimate for one in values if one.estimate]
    ends = [end for one in found for end in (one.low, one.high, one.median)]
    return logarithmic(ends, 4.0, BAR - 4) if judged.unit == "seconds" else from_zero(ends, 0.0, BAR - 2)


def _cell(column: Column, way: Way) -> Element:
    value = column.values[way]
    classes = ["dropped" if way in column.decided else "", "best" if way in column.best else ""]
    classes.append("" if value.estimate else "unknown")
    return el(
        "td",
        el("span", column.head, class_="head"),
        el("b", _text(column, value), title=value.unknown or None),
        _bar(column, value),
        class_=" ".join(filter(None, classes)) or None,
    )


def _text(column: Column, value: Value) -> str:
    if value.estimate is None:
        return "not known" if value.is_excused else "-"
    if value.estimate.median == inf:
        return "all" if value.unknown else "never"
    return value_text(value.estimate.median, column.judged.unit)


def _bar(column: Column, value: Value) -> Element | None:
    found, scale = value.estimate, column.scale
    if found is None or scale is None:
        return None
    low, middle, high = (scale(one) for one in (found.low, found.median, found.high))
    center = THICK / 2
    unit = column.judged.unit
    tip = title(f"{value.way}: " + ", ".join(value_text(one, unit) for one in found.values))
    interval = el("line", x1=low, x2=high, y1=center, y2=center, class_="interval")
    if isinstance(scale, Logarithmic):
        mark = el("circle", cx=middle, cy=center, r=3.5, class_="mark")
        parts = [el("line", x1=0, x2=BAR, y1=center, y2=center, class_="grid"), interval, mark]
    else:
        parts = [el("rect", x=0, y=1, width=middle, height=THICK - 2, class_="bar"), interval]
    return svg(BAR, THICK, "", el("g", tip, el("rect", width=BAR, height=THICK, fill="none"), *parts))

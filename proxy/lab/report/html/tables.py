"""What the charts are drawn from: every figure of every way, the models with what they ran, the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.analysis.summary import Summary, Way
from proxy.lab.analysis.words import value_text
from proxy.lab.figures import FIGURES
from proxy.lab.report.html.element import el

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

    from proxy.lab.analysis.bootstrap import Estimate
    from proxy.lab.results import Available, Comparison


def figures_of(summary: Summary, scenario: str) -> Element:
    """A row for each way, a column for each figure; notes, and why there is none, below."""
    ways = [way for way in summary.all_ways if summary.results(way, scenario)]
    names = [name for name in FIGURES if any(summary.estimate(way, scenario, name) for way in ways)]
    heads = [el("th", name.replace("_", " "), scope="col", title=FIGURES[name].text) for name in names]
    rows = []
    for way in ways:
        cells = [_figure(summary.estimate(way, scenario, name), name) for name in names]
        rows.append(el("tr", el("th", str(way), scope="row"), *cells))
    table = el("table", el("thead", el("tr", el("th"), *heads)), el("tbody", *rows), class_="figures")
    return el("div", el("div", table, class_="wide") if names else None, *_notes(summary, scenario, ways))


def _figure(found: Estimate | None, name: str) -> Element:
    if found is None:
        return el("td")
    unit = FIGURES[name].unit
    interval = f"{value_text(found.low, unit)} to {value_text(found.high, unit)}" if found.low != found.high else None
    return el("td", value_text(found.median, unit), el("small", interval) if interval else None)


def _notes(summary: Summary, scenario: str, ways: list[Way]) -> list[Element]:
    """The same one of several ways or repetitions once."""
    told: dict[str, list[str]] = {}
    for way in ways:
        for result in summary.results(way, scenario):
            for text in filter(None, (result.cannot, *result.notes)):
                if str(way) not in told.setdefault(text, []):
                    told[text].append(str(way))
    items = [el("li", el("b", ", ".join(names)), f": {text}") for text, names in told.items()]
    return [el("ul", *items, class_="notes")] if items else []


def models(comparison: Comparison) -> Element:
    summary = Summary(comparison)
    by_model: dict[str, list[Available]] = {}
    for one in comparison.available:
        by_model.setdefault(one.model, []).append(one)
    return el("div", *[_model(name, variants, summary) for name, variants in by_model.items()], class_="models")


def _model(name: str, variants: list[Available], summary: Summary) -> Element:
    parts: list[Element] = []
    for one in variants:
        if one.missing:
            text = el("p", el("b", "not available"), f": {'; '.join(one.missing)}", class_="missing")
        elif one.description:
            text = el("pre", one.description)
        elif why := summary.failed(Way(one.model, one.variant)):
            text = el("p", el("b", "not measured"), f": {why}", class_="missing")
        else:
            text = el("p", "did not run", class_="quiet")
        parts.append(el("div", el("h4", one.variant) if one.variant else None, text))
    lacking = sum(bool(one.missing) for one in variants)
    note = "" if not lacking else " not available" if lacking == len(variants) else f" {lacking} not available"
    head = el("summary", el("b", name), f" {variants[0].summary} ", el("em", note) if note else None)
    return el("details", head, *parts)


def groups(of: Mapping[str, Mapping[str, str]]) -> Element:
    """Names and values, by group."""
    made = []
    for name, values in of.items():
        items = [part for key, value in values.items() for part in (el("dt", key), el("dd", value))]
        made.append(el("section", el("h3", name), el("dl", *items)))
    return el("div", *made, class_="groups")

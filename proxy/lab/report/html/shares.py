"""Who had the work: connections, requests and busy time of each worker, for each way."""

from __future__ import annotations

from statistics import median_low
from typing import TYPE_CHECKING

from proxy.lab.analysis.fairness import cv
from proxy.lab.analysis.words import count_text, time_text
from proxy.lab.report.html.element import el, svg, title

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from xml.etree.ElementTree import Element

    from proxy.lab.analysis.summary import Summary, Way
    from proxy.lab.results import ScenarioResult

WIDTH, HEIGHT = 300.0, 96.0
TOP, BOTTOM, GAP = 6.0, 18.0, 14.0
LARGEST = 2.0  # of the even share that a column is drawn to; more is drawn to the edge with its number on it


def shares(summary: Summary, scenario: str, order: Sequence[Way]) -> Element | None:
    """None where nobody could be told."""
    panels = [_panel(way, shown) for way in order if (shown := typical(summary.results(way, scenario)))]
    return el("div", *panels, class_="panels") if panels else None


def typical(results: Sequence[ScenarioResult]) -> ScenarioResult | None:
    """The repetition in the middle, by how unevenly connections fell; None for less than two workers."""
    told = [result for result in results if len(result.shares) > 1]
    if not told:
        return None
    unevenness = [cv([share.connections for share in result.shares]) for result in told]
    return told[unevenness.index(median_low(unevenness))]


def _panel(way: Way, result: ScenarioResult) -> Element:
    kinds: list[tuple[str, list[float], Callable[[float], str]]] = [
        ("connections", [float(share.connections) for share in result.shares], count_text),
        ("busy time", [share.busy for share in result.shares], time_text),
    ]
    requests = [float(share.requests) for share in result.shares if share.requests is not None]
    if len(requests) == len(result.shares):
        kinds.insert(1, ("requests", requests, count_text))
    width = (WIDTH - GAP * (len(kinds) - 1)) / len(kinds)
    groups = [_group(number * (width + GAP), width, *kind) for number, kind in enumerate(kinds)]
    figures = result.figures
    told = f"CV {figures.get('cv_connections', cv(kinds[0][1])):.2f}"
    if "chance_cv" in figures:
        told += f", by chance {figures['chance_cv']:.2f}"
    caption = el("figcaption", el("h3", str(way)), el("p", told, class_="quiet"))
    return el("figure", caption, svg(WIDTH, HEIGHT, f"shares of the workers of {way}", *groups))


def _group(left: float, width: float, name: str, values: Sequence[float], text: Callable[[float], str]) -> Element:
    base = HEIGHT - BOTTOM
    even = sum(values) / len(values)
    step = width / len(values)
    top = max(LARGEST, max(values) / even) if even else LARGEST
    parts = []
    for number, value in enumerate(values):
        height = value / even / top * (base - TOP) if even else 0.0
        tip = title(f"worker {number + 1}: {text(value)} {name}")
        x, w = left + number * step + step * 0.1, step * 0.8
        parts.append(el("rect", tip, x=x, y=base - height, width=w, height=max(height, 0.5), class_="bar"))
    line = base - (base - TOP) / top
    parts.append(el("line", title("an even share"), x1=left, x2=left + width, y1=line, y2=line, class_="even"))
    parts.append(el("line", x1=left, x2=left + width, y1=base, y2=base, class_="axis"))
    parts.append(el("text", name, x=left + width / 2, y=HEIGHT - 5, text_anchor="middle"))
    return el("g", *parts)

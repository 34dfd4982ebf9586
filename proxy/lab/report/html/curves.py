"""Latency by percentile: a panel for each model, with the curves of all others behind, so that each is seen in its
place. The axis is that of HdrHistogram: equal steps from 90 to 99 to 99.9 %, since the tail is what differs."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING

from hdrh.histogram import HdrHistogram

from proxy.lab.analysis.words import time_text
from proxy.lab.report.html.element import el, path, svg, title
from proxy.lab.report.html.scale import Linear, Logarithmic, logarithmic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from xml.etree.ElementTree import Element

    from proxy.lab.analysis.summary import Summary, Way

WIDTH, HEIGHT = 300.0, 190.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 8.0, 8.0, 20.0
MEDIAN = log10(2)  # in nines: 1 is 90 %, 2 is 99 %
STEPS = 24  # points for each nine
LEAST = 10  # requests
PERCENTILES = ((50.0, "50"), (90.0, "90"), (99.0, "99"), (99.9, "99.9"), (99.99, "99.99 %"))

Curve = list[tuple[float, float]]  # nines of the percentile, seconds


def curve_of(summary: Summary, way: Way, scenario: str) -> Curve:
    """Of all valid repetitions together, from the median up to the percentile that one request is beyond. Empty where
    there are not so many."""
    merged: HdrHistogram | None = None
    for result in summary.results(way, scenario):
        if result.load is not None and result.load.valid:
            one = HdrHistogram.decode(result.load.latency)
            if merged is None:
                merged = one
            else:
                merged.add(one)
    if merged is None or merged.total_count < LEAST:
        return []
    last = log10(merged.total_count)
    steps = (MEDIAN + step / STEPS for step in range(int((last - MEDIAN) * STEPS) + 1))
    nines = [*steps, last]
    values = merged.get_percentile_to_value_dict([_percentile(one) for one in nines])  # one pass for all of them
    return [(one, values[_percentile(one)] / 1e6) for one in nines]


def _percentile(nines: float) -> float:
    return float(100 * (1 - 10**-nines))


def curves(summary: Summary, scenario: str, order: Sequence[Way]) -> Element | None:
    """Panels by model in the order of their best; None where nothing has a latency."""
    found = {way: curve for way in order if (curve := curve_of(summary, way, scenario))}
    y = logarithmic((value for curve in found.values() for _, value in curve), HEIGHT - BOTTOM, TOP)
    if y is None:
        return None
    x = Linear(MEDIAN, max(curve[-1][0] for curve in found.values()), LEFT, WIDTH - RIGHT)
    context = f"all-{scenario}"
    behind = el("g", *[el("path", d=_drawn(curve, x, y), class_="behind") for curve in found.values()], id=context)
    panels = [
        _panel(model, {way: found[way] for way in found if way.model == model}, x, y, context)
        for model in dict.fromkeys(way.model for way in found)
    ]
    store = el("svg", el("defs", behind), width=0, height=0, class_="store", aria_hidden="true")
    late = [str(way) for way in order if way not in found and summary.invalid(way, scenario)]
    missing = f"Not drawn, since the generator was late or busy itself: {', '.join(late)}." if late else None
    note = el("p", missing, class_="quiet") if missing else None
    return el("div", store, el("div", *panels, class_="panels"), note)


def _panel(model: str, own: Mapping[Way, Curve], x: Linear, y: Logarithmic, context: str) -> Element:
    lines = [
        el("path", title(_tip(way, curve)), d=_drawn(curve, x, y), class_=f"line c{number % 6}")
        for number, (way, curve) in enumerate(own.items())
    ]
    drawing = svg(
        WIDTH,
        HEIGHT,
        f"latency of {model} by percentile",
        *_axes(x, y),
        el("use", href=f"#{context}"),
        *lines,
    )
    legend = [
        el("li", el("i", class_=f"key c{number % 6}"), f"{way.variant or model} ", el("b", _at(curve, 99.0)))
        for number, (way, curve) in enumerate(own.items())
    ]
    return el("figure", el("figcaption", el("h3", model), el("ul", *legend, class_="legend")), drawing)


def _axes(x: Linear, y: Logarithmic) -> list[Element]:
    made = []
    for value in y.ticks():
        made.append(el("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y(value), y2=y(value), class_="grid"))
        made.append(el("text", time_text(value), x=LEFT - 4, y=y(value) + 3.5, text_anchor="end"))
    for percentile, text in PERCENTILES:
        nines = -log10(1 - percentile / 100)
        if nines <= x.high + 1e-9:
            made.append(el("line", x1=x(nines), x2=x(nines), y1=TOP, y2=HEIGHT - BOTTOM, class_="grid"))
            made.append(el("text", text, x=x(nines), y=HEIGHT - 6, text_anchor="middle"))
    return made


def _drawn(curve: Curve, x: Linear, y: Logarithmic) -> str:
    return path((x(nines), y(seconds)) for nines, seconds in curve)


def _at(curve: Curve, percentile: float) -> str:
    nines = -log10(1 - percentile / 100)
    value = next((seconds for at, seconds in curve if at >= nines - 1e-9), curve[-1][1])
    return f"p{percentile:g} {time_text(value)}"


def _tip(way: Way, curve: Curve) -> str:
    return f"{way}: {', '.join(_at(curve, percentile) for percentile in (50.0, 90.0, 99.0, 99.9))}"

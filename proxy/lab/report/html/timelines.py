"""What clients met around a fault: answers and failures per second above, the longest latency below."""

from __future__ import annotations

from statistics import median_low
from typing import TYPE_CHECKING

from proxy.lab.analysis.words import count_text, time_text
from proxy.lab.report.html.element import el, path, svg, title
from proxy.lab.report.html.scale import Linear, Logarithmic, from_zero, logarithmic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from proxy.lab.analysis.summary import Summary, Way
    from proxy.lab.results import LoadResult, ScenarioResult, Slot

WIDTH, HEIGHT = 300.0, 150.0
LEFT, RIGHT, TOP, MIDDLE, BOTTOM = 44.0, 6.0, 6.0, 76.0, 18.0
SLOT = 0.1  # seconds
ROOM = 1.1  # above the most answers; many failures at once are drawn up to there


def timelines(summary: Summary, scenario: str, order: Sequence[Way]) -> Element | None:
    """A panel for each way, all on the same scales; None where there are no loads."""
    shown = [(way, found) for way in order if (found := typical(summary.results(way, scenario)))]
    loads = [result.load for _, result in shown if result.load]
    slots = [slot for load in loads for slot in load.timeline]
    late = logarithmic((slot.max for slot in slots), HEIGHT - BOTTOM, MIDDLE + 6)
    if late is None:
        return None
    end = max(load.seconds for load in loads)
    x = Linear(0.0, end, LEFT, WIDTH - RIGHT)
    rate = from_zero((ROOM * slot.completed / SLOT for slot in slots), MIDDLE, TOP)
    return el("div", *[_panel(way, result, x, rate, late) for way, result in shown], class_="panels timeline")


def typical(results: Sequence[ScenarioResult]) -> ScenarioResult | None:
    """The repetition in the middle, by what failed."""
    told = [result for result in results if result.load and result.load.timeline]
    if not told:
        return None
    failed = [result.figures.get("failed", 0.0) for result in told]
    return told[failed.index(median_low(failed))]


def _panel(way: Way, result: ScenarioResult, x: Linear, rate: Linear, late: Logarithmic) -> Element:
    load = result.load
    assert load is not None
    slots = [slot for slot in load.timeline if slot.at < load.seconds]
    drawing = svg(
        WIDTH,
        HEIGHT,
        f"{way} around a fault: answers and failures per second, and the longest latency",
        *_axes(x, rate, late),
        el("path", d=_area(slots, x, rate), class_="area"),
        *[_failure(slot, x, rate) for slot in slots if slot.errors],
        el("path", d=_line(slots, x, late), class_="line c0"),
        *[el("line", title(mark.text), x1=x(mark.at), x2=x(mark.at), y1=TOP, y2=HEIGHT - BOTTOM, class_="fault")
          for mark in result.marks],
    )  # fmt: skip
    marks = "; ".join(f"{mark.at:.1f} s {mark.text}" for mark in result.marks[:4])
    marks += f"; {len(result.marks) - 4} more" if len(result.marks) > 4 else ""
    caption = [el("h3", str(way)), el("p", _told(result, load)), el("p", marks, class_="quiet") if marks else None]
    return el("figure", el("figcaption", *caption), drawing)


def _told(result: ScenarioResult, load: LoadResult) -> Element:
    failed = load.intended - load.completed
    causes = ", ".join(f"{count:,} {cause}" for cause, count in sorted(load.errors.items(), key=lambda one: -one[1]))
    text = f"{failed:,} of {load.intended:,} failed" + (f" ({causes})" if causes else "")
    return el("span", text, class_="bad" if failed else "good")


def _axes(x: Linear, rate: Linear, late: Logarithmic) -> list[Element]:
    made = [_grid(rate(value)) for value in (0.0, rate.high)]
    made.append(el("text", f"{count_text(rate.high)}/s", x=LEFT - 4, y=TOP + 7, text_anchor="end"))
    for value in _few(late.ticks()):
        made.append(_grid(late(value)))
        made.append(el("text", time_text(value), x=LEFT - 4, y=late(value) + 3.5, text_anchor="end"))
    step = max(round(x.high / 5), 1)
    seconds = range(0, int(x.high) + 1, step)
    return made + [el("text", f"{one} s", x=x(one), y=HEIGHT - 5, text_anchor=_anchor(x, one)) for one in seconds]


def _grid(y: float) -> Element:
    return el("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid")


def _anchor(x: Linear, second: float) -> str:
    return "end" if x(second) > WIDTH - 12 else "middle"


def _few(ticks: list[float]) -> list[float]:
    return ticks if len(ticks) <= 4 else ticks[:: (len(ticks) + 3) // 4]


def _area(slots: Sequence[Slot], x: Linear, rate: Linear) -> str:
    points = [(x(0.0), rate(0.0))]
    for slot in slots:
        height = rate(slot.completed / SLOT)
        points += [(x(slot.at), height), (x(slot.at + SLOT), height)]
    return path([*points, (points[-1][0], rate(0.0))]) + "Z"


def _failure(slot: Slot, x: Linear, rate: Linear) -> Element:
    """Never so small that it is not seen."""
    height = max(rate(0.0) - rate(slot.errors / SLOT), 4.0)
    tip = title(f"{slot.at:.1f} s: {slot.errors} failed")
    width = max(x(SLOT) - x(0.0), 2.0)
    return el("rect", tip, x=x(slot.at), y=rate(0.0) - height, width=width, height=height, class_="failure")


def _line(slots: Sequence[Slot], x: Linear, late: Logarithmic) -> str:
    return path([(x(slot.at + SLOT / 2), late(slot.max)) for slot in slots if slot.max] or [(LEFT, HEIGHT - BOTTOM)])

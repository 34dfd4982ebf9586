"""The whole page."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.lab.analysis.summary import Summary
from proxy.lab.analysis.verdict import judge
from proxy.lab.report.html.curves import curves
from proxy.lab.report.html.element import as_html, el
from proxy.lab.report.html.matrix import matrix, tiles
from proxy.lab.report.html.opening import how, opening, other_needs
from proxy.lab.report.html.shares import shares
from proxy.lab.report.html.tables import figures_of, groups, models
from proxy.lab.report.html.timelines import timelines
from proxy.lab.report.progress import minutes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from xml.etree.ElementTree import Element

    from proxy.lab.analysis.verdict import Verdict
    from proxy.lab.results import Comparison

STYLE = Path(__file__).with_name("page.css")
CURVES = {
    "latency": "How long requests take",
    "slow": "How long they take while 1 % of them are slow",
    "burst": "How long they take in bursts",
}
SHARES = {"fairness": "Who has the work", "long": "Who has long connections after more workers came"}
FAULTS = {
    "crash": "When a worker is killed",
    "crash-loop": "When a worker dies each time it is started",
    "restart": "When workers are restarted one after the other",
    "scale": "When workers are added and taken away",
}
CURVES_TEXT = (
    "Latency in the order of percentiles, from the intended start of each request, so that a stall counts for all that "
    "wait in it. The scale widens towards 100 %. Gray: all other ways."
)
SHARES_TEXT = (
    "A column for each worker; the dashed line is an even share. CV is the standard deviation over the mean, "
    "beside what it would be had each connection gone to a worker at random."
)
FAULTS_TEXT = (
    "Above: answers per second, and requests that failed (orange). Below: the longest latency in each tenth of a "
    "second. Dashed: what was done. All panels have the same scales."
)


def to_html(comparison: Comparison) -> str:
    """One file that needs no other; ends in a newline."""
    summary, verdict = Summary(comparison), judge(comparison)
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"rproxy compare: {comparison.application}"),
        el("link", rel="icon", href="data:,"),
        el("style", STYLE.read_text()),
    )
    main = el(
        "main", opening(verdict, _summary(comparison, verdict), tiles(summary, verdict)), *_sections(summary, verdict)
    )
    return as_html(el("html", head, el("body", _header(comparison), main, _footer(comparison)), lang="en"))


def _summary(comparison: Comparison, verdict: Verdict) -> str:
    found = (one.summary for one in comparison.available if verdict.deploy and one.model == verdict.deploy.model)
    return next(found, "")


def _header(comparison: Comparison) -> Element:
    ways = len({(result.model, result.variant) for result in comparison.results if result.figures})
    began = datetime.fromtimestamp(comparison.began, UTC).strftime("%Y-%m-%d %H:%M UTC")
    told = [began, f"{ways} ways", f"{minutes(comparison.seconds)} of measuring"]
    settings = comparison.settings
    told += [f"{settings['workers']} workers"] if "workers" in settings else []
    told += [f"runs of each: {settings['repetitions']}"] if "repetitions" in settings else []
    return el(
        "header",
        el("h1", "How to deploy ", el("code", comparison.application)),
        el("p", ", ".join(told), class_="quiet"),
    )


def _sections(summary: Summary, verdict: Verdict) -> list[Element]:
    order = verdict.ranking.order
    changed = [way for way in summary.all_ways if way.settings]
    found: list[Element | None] = []
    if order:
        legend = "A bar or a dot is the median, of failures the mean; the line across it is the interval. "
        legend += "Orange: what a way dropped out for. Bold green: the best of a column."
        found += [
            _section("All ways at a glance", legend, matrix(summary, verdict)),
            _section("Where another is better", "", other_needs(verdict)),
            _section("How it was decided", "", how(verdict)),
        ]
    found += _charts(CURVES, CURVES_TEXT, lambda scenario: curves(summary, scenario, order))
    found += _charts(FAULTS, FAULTS_TEXT, lambda scenario: timelines(summary, scenario, [*order, *changed]))
    found += _charts(SHARES, SHARES_TEXT, lambda scenario: shares(summary, scenario, order))
    return [*filter(None, found), *_details(summary)]


def _charts(names: Mapping[str, str], text: str, draw: Callable[[str], Element | None]) -> list[Element]:
    """Those that have something to draw, with the text that explains them at the first."""
    made: list[Element] = []
    for scenario, name in names.items():
        if section := _section(name, "" if made else text, draw(scenario)):
            made.append(section)
    return made


def _details(summary: Summary) -> list[Element]:
    comparison = summary.comparison
    figures = [_figures(summary, scenario) for scenario in summary.scenarios()]
    made = [
        _section("Every figure", "The median of all repetitions, and its interval.", el("div", *figures)),
        _section("The models, and what ran", "Commands and configuration as they ran.", models(comparison)),
        _section("The run and the machine", "", groups({"run": comparison.settings, **comparison.environment})),
    ]
    return [one for one in made if one is not None]


def _figures(summary: Summary, scenario: str) -> Element:
    """Those of jobs are in no chart."""
    is_open = "" if scenario == "jobs" else None
    return el("details", el("summary", el("b", scenario)), figures_of(summary, scenario), open=is_open)


def _section(name: str, text: str, content: Element | None) -> Element | None:
    if content is None:
        return None
    return el("section", el("h2", name), el("p", text, class_="quiet") if text else None, content, class_="card")


def _footer(comparison: Comparison) -> Element:
    ended = "" if comparison.finished else " The run was ended early."
    return el("footer", f"rproxy compare.{ended} Latencies are seconds from the intended start of a request.")

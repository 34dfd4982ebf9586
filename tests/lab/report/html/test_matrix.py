from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from proxy.lab.analysis.summary import Summary
from proxy.lab.analysis.verdict import judge
from proxy.lab.report.html.matrix import matrix, tiles
from tests.lab.report.comparisons import compared, load, result

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from proxy.lab.results import ScenarioResult


def table(*more: ScenarioResult) -> Element:
    comparison = compared(*more)
    return matrix(Summary(comparison), judge(comparison))


def row(drawn: Element, model: str) -> Element:
    return next(one for one in drawn.iter("tr") if model in [head.text for head in one.iter("th")])


def test_a_row_for_each_way_from_the_best() -> None:
    drawn = table()
    rows = list(drawn.iter("tr"))
    assert [one.findall("th")[1].text for one in rows[1:]] == ["proxy-tcp", "prefork", "reuseport", "direct"]
    assert rows[1].get("class") == "chosen"
    assert [cell.text for cell in rows[0].iter("th")][2:] == [
        "failed at an ordinary load",
        "failed when workers die or restart",
        "p99 at an ordinary load",
        "answered at most",
        "memory",
        "recovery",
        "CPU a request",
    ]


def test_the_figures_of_the_one_to_deploy() -> None:
    comparison = compared()
    found = tiles(Summary(comparison), judge(comparison))
    assert found is not None
    assert [one.text for one in found.iter("b")] == ["0", "0", "8 ms", "10,995/s", "9.53 MiB"]
    nothing = replace(comparison, results=())
    assert tiles(Summary(nothing), judge(nothing)) is None


def test_what_decided_and_what_is_best_are_marked() -> None:
    drawn = table()
    dropped = {model: row(drawn, model).findall("td[@class='dropped']") for model in ("prefork", "direct")}
    assert [cell.findtext("b") for cell in dropped["prefork"]] == ["30"]
    assert [cell.findtext("b") for cell in dropped["direct"]] == ["all"]
    assert "4 ms" in [cell.findtext("b") for cell in row(drawn, "direct").findall("td[@class='best']")]


def test_bars_are_on_the_scale_of_their_column() -> None:
    drawn = table()
    of = {m: row(drawn, m).findall("td")[3].findall(".//rect[@class='bar']")[0] for m in ("reuseport", "direct")}
    widths = {model: float(bar.get("width") or 0) for model, bar in of.items()}
    assert 0.5 < widths["direct"] / widths["reuseport"] < 0.65


def test_what_is_not_known_and_what_was_not_measured() -> None:
    late = load(0.001, 1, why_invalid="the generator was late")
    drawn = table(result("capacity", "a", of=late, requests_per_second=1.0), result("latency", "b", p99=0.1))
    assert row(drawn, "a").findall("td")[3].findtext("b") == "not known"
    assert row(drawn, "a").findall("td")[3].findall("b")[0].get("title") == "the generator was late"
    assert row(drawn, "b").findall("td")[3].findtext("b") == "-"

from __future__ import annotations

from dataclasses import replace

from proxy.lab.analysis.verdict import judge
from proxy.lab.report.html.opening import how, opening, other_needs
from tests.lab.report.comparisons import compared, measured


def test_the_verdict_comes_first() -> None:
    section = opening(judge(compared()), "rproxy before ports")
    assert section.findtext("h2") == "Deploy proxy-tcp (least-connections)."
    assert section.findtext("p") == "rproxy before ports"
    assert section.findtext("p/span") == "Fair confidence"
    assert [head.text for head in section.iter("h3")] == ["What keeps it from being surer", "Worth knowing"]


def test_who_is_better_for_another_need() -> None:
    found = other_needs(judge(compared()))
    assert found is not None
    rows = [[cell.findtext("b") or cell.text for cell in row.iter("td")] for row in found.iter("tr")]
    assert rows[1] == ["the shortest tail at an ordinary load", "direct", "4 ms", "8 ms"]
    assert len(rows) == 3
    assert "".join(found.findall("p")[0].itertext()).startswith(
        "proxy-tcp (least-connections) is as good as any in: nothing lost when a worker dies (0); "
    )


def test_how_it_was_decided() -> None:
    found = how(judge(compared(*measured("nginx", "", 0.003, 0, 12000.0))))
    items = ["".join(item.itertext()) for item in found.iter("li")]
    assert [item.split("?")[0] for item in items] == [
        "What fails at an ordinary load",
        "What is lost when a worker dies, and when all are restarted",
        "How long do 99 % of the requests take at most",
    ]
    assert "5 to 2; best: " in items[1]
    assert items[1].endswith("out: prefork (epoll), reuseport (supervised), direct")
    assert "".join(found.findall("p")[-1].itertext()) == "Left: proxy-tcp (least-connections)"


def test_nothing() -> None:
    verdict = judge(replace(compared(), results=()))
    assert opening(verdict, "").findtext("h2") == verdict.headline
    assert other_needs(verdict) is None

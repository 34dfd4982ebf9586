from __future__ import annotations

from dataclasses import replace

from proxy.lab.analysis.ranking import rank
from proxy.lab.analysis.summary import Summary, Way
from proxy.lab.report.html.timelines import timelines, typical
from tests.lab.report.comparisons import compared, load, result


def test_a_panel_for_each_way_with_what_was_done_and_what_failed() -> None:
    summary = Summary(compared())
    drawn = timelines(summary, "crash", rank(summary).order)
    assert drawn is not None
    assert [span.text for span in drawn.iter("span")] == [
        "0 of 600 failed",
        "30 of 630 failed (30 reset)",
        "31 of 631 failed (31 reset)",
        "400 of 1,000 failed (400 reset)",
    ]
    assert len(drawn.findall(".//rect[@class='failure']")) == 3
    faults = drawn.findall(".//line[@class='fault']")
    assert {fault.findtext("title") for fault in faults} == {"SIGKILL worker 1"}
    assert len({fault.get("x1") for fault in faults}) == 1


def test_the_repetition_in_the_middle_is_shown() -> None:
    results = [result("crash", "a", repetition=n, of=load(0.001, n), failed=float(n)) for n in range(3)]
    assert typical(results[::-1]) == results[1]
    assert typical([result("crash", "a", failed=1.0)]) is None


def test_nothing_to_draw() -> None:
    summary = Summary(replace(compared(), results=(result("crash", "a", failed=1.0),)))
    assert timelines(summary, "crash", [Way("a", "")]) is None

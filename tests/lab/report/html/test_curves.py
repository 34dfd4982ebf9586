from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.lab.analysis.ranking import rank
from proxy.lab.analysis.summary import Summary, Way
from proxy.lab.load.recorder import encoded, histogram
from proxy.lab.report.html.curves import curve_of, curves
from tests.lab.report.comparisons import compared, load, result


def test_a_curve_is_of_all_repetitions() -> None:
    """1,000 latencies from 1 ms to 1 s in each of two."""
    half = replace(load(0.001, 1), latency=encoded(histogram(number / 1000 for number in range(1, 1001))))
    both = [result("latency", "a", repetition=number, of=half, p99=0.99) for number in range(2)]
    curve = curve_of(Summary(replace(compared(), results=tuple(both))), Way("a", ""), "latency")
    at = {round(nines, 3): seconds for nines, seconds in curve}
    assert curve[0] == (pytest.approx(0.301, abs=1e-3), pytest.approx(0.5, rel=0.01))
    assert curve[-1] == (pytest.approx(3.301, abs=1e-3), pytest.approx(1.0, rel=0.01))
    assert at[1.301] == pytest.approx(0.95, rel=0.01)
    assert [seconds for _, seconds in curve] == sorted(seconds for _, seconds in curve)


def test_what_is_not_valid_is_not_drawn() -> None:
    late = result("latency", "a", of=load(0.001, 1, why_invalid="late"), p99=1.0)
    assert curve_of(Summary(compared(late)), Way("a", ""), "latency") == []
    assert curve_of(Summary(compared()), Way("a", ""), "latency") == []


def test_a_panel_for_each_model_with_all_others_behind() -> None:
    summary = Summary(compared())
    drawn = curves(summary, "latency", rank(summary).order)
    assert drawn is not None
    assert [head.text for head in drawn.iter("h3")] == ["proxy-tcp", "prefork", "reuseport", "direct"]
    assert len(drawn.findall(".//path[@class='behind']")) == 4
    assert [use.get("href") for use in drawn.iter("use")] == ["#all-latency"] * 4
    tips = [tip.text or "" for tip in drawn.iter("title")]
    assert tips[0].startswith("proxy-tcp (least-connections): p50 2.0")


def test_nothing_to_draw() -> None:
    assert curves(Summary(compared()), "slow", [Way("direct", "")]) is None

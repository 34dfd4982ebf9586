from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from proxy.lab.analysis.verdict import judge
from proxy.lab.report.table import report_text
from proxy.lab.results import ScenarioResult
from tests.lab.report.comparisons import compared, load, measured, result

if TYPE_CHECKING:
    from proxy.lab.results import Comparison


def lines(comparison: Comparison, width: int = 80) -> list[str]:
    written = io.StringIO()
    Console(file=written, width=width).print(report_text(comparison, judge(comparison)))
    return [line.rstrip() for line in written.getvalue().splitlines()]


def test_a_row_for_each_way_from_the_best() -> None:
    head, *rows = lines(compared(), 120)
    assert head.split() == ["fails", "lost", "p99", "capacity", "memory"]
    assert [row.split()[0] for row in rows if row[:1].isalpha()][:4] == ["proxy-tcp", "prefork", "reuseport", "direct"]
    assert rows[0].split() == ["proxy-tcp", "0", "0", "8", "ms", "10,995/s", "9.53", "MiB"]


def test_what_one_dropped_out_for_is_marked() -> None:
    row = next(line for line in lines(compared(), 120) if line.startswith("prefork"))
    assert row.split()[2:4] == ["0", "30<"]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_it_fits(width: int) -> None:
    long_name = measured("proxy-reuseport", "least-connections", 0.002, 0, 9000.0)
    slow = [result("slow", "direct", repetition=number, fast_p99=0.0123) for number in range(3)]
    found = lines(compared(*long_name, *slow), width)
    assert max(map(len, found)) <= width
    assert "…" not in "".join(found)


def test_the_verdict_and_what_is_missing_are_below() -> None:
    text = "\n".join(lines(compared(), 200))
    assert "Deploy proxy-tcp (least-connections)." in text
    assert "Fair confidence:" in text
    assert "most requests a second: reuseport (supervised), 15,822/s (against 10,995/s)" in text
    assert "systemd (sane): no systemd: apt-get install systemd" in text
    assert "Next: prefork (epoll): behind in failed requests" in text


def test_what_is_not_known_is_told_from_what_was_not_measured() -> None:
    late = load(0.001, 1, why_invalid="late")
    more = [
        result("latency", "a", p99=0.5),
        result("latency", "b", p99=0.5),
        result("capacity", "b", of=late, requests_per_second=1.0),
    ]
    rows = {line.split()[0]: line.split() for line in lines(compared(*more), 120) if line[:2] in ("a ", "b ")}
    assert rows["a"][-2:] == ["-", "-"]
    assert rows["b"][-2:] == ["?", "-"]


def test_what_did_not_come_up_is_told() -> None:
    text = "\n".join(lines(compared(ScenarioResult("latency", "a", "", 0, {}, cannot="it ended with status 1")), 200))
    assert "Not measured:\n  a: it ended with status 1" in text


def test_nothing() -> None:
    found = lines(replace(compared(), results=(), available=()))
    assert found == [
        "No verdict: nothing was measured that ways could be held against each other by.",
        "No confidence.",
    ]

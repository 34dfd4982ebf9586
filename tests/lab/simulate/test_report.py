"""What people read, and what programs read."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO

from rich.console import Console

from proxy.lab.analysis.words import time_text
from proxy.lab.simulate.registry import WAYS
from proxy.lab.simulate.report import as_json, head, table, verdict
from proxy.lab.simulate.result import simulate
from proxy.lab.simulate.service import Exponential, Pareto
from proxy.lab.simulate.spec import SimulationSpec
from proxy.lab.simulate.trace import Trace

SPEC = SimulationSpec(Exponential(0.01), requests=2000)
RESULTS = [simulate(SPEC, WAYS[name]) for name in ("reuseport", "queue", "proxy-round-robin")]


def test_a_row_for_each_scheme() -> None:
    written = StringIO()
    console = Console(width=120, file=written)
    console.print(table(RESULTS))
    lines = written.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["scheme", "reuseport", "queue", "proxy-round-robin"]
    assert "40 ms" in lines[1]  # by theory
    assert max(map(len, lines)) <= 120


def test_the_head_says_what_is_simulated() -> None:
    assert head(SPEC) == (
        "2,000 requests, 320 per second (poisson), service of 10 ms on the mean (cv 1), 4 workers, 80% busy"
    )
    assert "more than they can do" in head(replace(SPEC, load=1.2))
    assert "a trace of 200 ms" in head(replace(SPEC, service=Trace((0.1, 0.3))))


def test_the_verdict_names_best_and_worst() -> None:
    text = verdict(RESULTS)
    assert text.startswith(f"Lowest p99: {time_text(RESULTS[1].latency.p99)}, queue")
    assert ", reuseport, " in text
    assert verdict(RESULTS[:1]) == ""
    assert "choose by something else" in verdict([RESULTS[0], RESULTS[0]])


def test_json() -> None:
    data = json.loads(as_json(SPEC, RESULTS))
    assert data["settings"]["service"] == {"kind": "exponential", "mean": 0.01, "cv2": 1.0}
    assert data["settings"]["rate"] == 320
    assert [result["scheme"] for result in data["results"]] == ["reuseport", "queue", "proxy-round-robin"]
    assert data["results"][0]["latency"]["p99"] == RESULTS[0].latency.p99


def test_json_has_no_infinity() -> None:
    spec = replace(SPEC, service=Pareto(0.01, 2.0))
    data = json.loads(as_json(spec, [simulate(spec, WAYS["reuseport"])]))
    assert data["settings"]["service"]["cv2"] is None
    assert data["results"][0]["expected_wait"] is None

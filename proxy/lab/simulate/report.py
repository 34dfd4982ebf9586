"""What was simulated, as people read it and as programs do."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import isfinite
from typing import TYPE_CHECKING, Any

from rich.table import Table

from proxy.lab.analysis.words import time_text
from proxy.lab.simulate.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.simulate.result import SimulationResult, Spread
    from proxy.lab.simulate.spec import SimulationSpec

COLUMNS = ("scheme", "p50", "p90", "p99", "p99.9", "max", "mean wait", "by theory", "busiest", "busy Jain")


def table(results: Sequence[SimulationResult]) -> Table:
    """Times are from arrival to end, but for the waits: from arrival until a worker began."""
    made = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    for number, name in enumerate(COLUMNS):
        made.add_column(name, justify="right" if number else "left", no_wrap=True)
    for result in results:
        made.add_row(*_row(result))
    return made


def _row(result: SimulationResult) -> list[str]:
    latency, wait = result.latency, result.wait
    times = [time_text(value) for value in (latency.p50, latency.p90, latency.p99, latency.p999, latency.max)]
    expected = "" if result.expected_wait is None else time_text(result.expected_wait)
    shares = [f"{result.busy.largest:.2f}x", f"{result.busy.jain:.3f}"]
    return [result.scheme, *times, f"{time_text(wait.mean)} ±{_percent(wait)}", expected, *shares]


def _percent(wait: Spread) -> str:
    return f"{wait.error / wait.mean * 100:.0f}%" if wait.mean > 0 else "0%"


def head(spec: SimulationSpec) -> str:
    """What is simulated, in one sentence or two."""
    service = spec.service
    name = "a trace" if isinstance(service, Trace) else "service"
    text = (
        f"{spec.requests:,} requests, {spec.rate:,.4g} per second ({spec.arrivals}), {name} of "
        f"{time_text(service.mean)} on the mean (cv {service.cv2**0.5:.2g}), "
        f"{spec.workers} workers, {spec.offered:.0%} busy"
    )
    if spec.offered >= 1:
        text += "; more than they can do: waits grow until the end, and mean nothing but that"
    return text


def verdict(results: Sequence[SimulationResult]) -> str:
    """The best and the worst tail; "" for less than two, or where all are within a tenth."""
    if len(results) < 2:
        return ""
    ordered = sorted(results, key=lambda result: result.latency.p99)
    best, worst = ordered[0].latency.p99, ordered[-1].latency.p99
    good = [result.scheme for result in ordered if result.latency.p99 <= best * 1.05]
    if worst <= best * 1.1:
        return f"p99 is {time_text(best)} with all of them, within a tenth: choose by something else."
    return (
        f"Lowest p99: {time_text(best)}, {', '.join(good)}. Highest: {time_text(worst)}, {ordered[-1].scheme}, "
        f"{worst / best:.1f} times as long. Costs of the proxy or the queue server themselves are not in it."
    )


def as_json(spec: SimulationSpec, results: Sequence[SimulationResult]) -> str:
    """One object: settings (the service by its moments) and results; ends in a newline. Seconds throughout."""
    service: dict[str, Any] = {"kind": type(spec.service).__name__.lower(), "mean": spec.service.mean}
    service["cv2"] = spec.service.cv2 if isfinite(spec.service.cv2) else None
    settings = {name: getattr(spec, name) for name in spec.__slots__ if name != "service"}
    settings |= {"service": service, "rate": spec.rate, "offered": spec.offered}
    found = [asdict(result) for result in results]
    for one in found:
        if one["expected_wait"] is not None and not isfinite(one["expected_wait"]):
            one["expected_wait"] = None  # JSON has no infinity
    return json.dumps({"settings": settings, "results": found}, indent=2, allow_nan=False) + "\n"

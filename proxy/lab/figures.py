"""The figures of a ScenarioResult: names, units, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["per second", "seconds", "requests", "share", "ratio", "bytes", "processes", "connections"]


@dataclass(frozen=True, slots=True)
class Figure:
    """better: None where neither way is."""

    name: str
    unit: Unit
    better: Literal["more", "less"] | None
    text: str


FIGURES = {
    figure.name: figure
    for figure in (
        Figure("requests_per_second", "per second", "more", "answered requests a second"),
        Figure("p50", "seconds", "less", "latency of half of the requests, from the intended start"),
        Figure("p90", "seconds", "less", "latency of 90 % of the requests"),
        Figure("p99", "seconds", "less", "latency of 99 % of the requests"),
        Figure("p999", "seconds", "less", "latency of 99.9 % of the requests"),
        Figure("max", "seconds", "less", "the longest latency"),
        Figure("fast_p95", "seconds", "less", "latency of 95 % of the fast requests, while 1 % of all are slow"),
        Figure("fast_p99", "seconds", "less", "latency of 99 % of the fast requests, while 1 % of all are slow"),
        Figure("intended", "requests", None, "requests that were to be sent"),
        Figure("failed", "requests", "less", "requests without a good answer"),
        Figure("refused", "requests", "less", "connections that nobody accepted"),
        Figure("reset", "requests", "less", "connections that were reset"),
        Figure("hung", "requests", "less", "requests without an answer in time"),
        Figure("lost", "requests", "less", "jobs that were sent, taken by nobody, and not reported as failed"),
        Figure("recovery", "seconds", "less", "from a fault until answers come as before"),
        Figure("missing", "processes", "less", "workers that died and that nobody has started again"),
        Figure("share_after", "seconds", "less", "from the start of a new worker until it has its share"),
        Figure("jain_connections", "share", "more", "Jain's index of connections: 1 is even, 1/N is one for all"),
        Figure("jain_requests", "share", "more", "the same of requests"),
        Figure("jain_busy", "share", "more", "the same of busy time"),
        Figure("cv_connections", "ratio", "less", "standard deviation of connections over their mean"),
        Figure("max_mean_connections", "ratio", "less", "the busiest worker's connections over the mean"),
        Figure("chance_cv", "ratio", None, "that deviation if each connection had gone to a worker at random"),
        Figure("new_share", "share", "more", "share of the requests that workers started later have at the end"),
        Figure("memory", "bytes", "less", "proportional set size of all its processes"),
        Figure("cpu_per_request", "seconds", "less", "CPU time of all its processes per answered request"),
        Figure("processes", "processes", None, "how many processes it is"),
    )
}  # fmt: skip

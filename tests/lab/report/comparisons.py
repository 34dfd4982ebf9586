"""Comparisons made up for what is computed from them and drawn of them; drawn by a seed, in the records of the lab."""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

from proxy.lab.load.recorder import encoded, histogram, quantile
from proxy.lab.results import (
    Available,
    Comparison,
    ConnectionLoad,
    Lateness,
    LoadResult,
    Mark,
    ScenarioResult,
    Slot,
    WorkerShare,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS = 3.0
RATE = 200


def load(typical: float, seed: int, errors: dict[str, int] | None = None, why_invalid: str = "") -> LoadResult:
    """Latencies around `typical` seconds, with a tail; errors in the second second."""
    rng = Random(seed)
    latencies = sorted(typical * rng.lognormvariate(0, 0.6) for _ in range(int(SECONDS * RATE)))
    errors = errors or {}
    return LoadResult(
        seconds=SECONDS,
        intended=len(latencies) + sum(errors.values()),
        sent=len(latencies) + sum(errors.values()),
        completed=len(latencies),
        errors=errors,
        latency=encoded(histogram(latencies)),
        service=encoded(histogram(latencies)),
        lateness=Lateness(0.0001, 0.0004, 0.001),
        cpu_share=0.2,
        valid=not why_invalid,
        why_invalid=why_invalid,
        timeline=tuple(_slot(number, latencies, errors) for number in range(int(SECONDS * 10))),
        began=1000.0,
        per_connection=(ConnectionLoad("127.0.0.1:40000", 3),),
    )


def _slot(number: int, latencies: Sequence[float], errors: dict[str, int]) -> Slot:
    is_hit = number == 11 and bool(errors)
    failed = sum(errors.values()) if is_hit else 0
    factor = 5 if is_hit else 1
    return Slot(
        number / 10, RATE // 10 - min(failed, RATE // 10), failed, quantile(latencies, 0.5) * factor, latencies[-1]
    )


def result(
    scenario: str, model: str, variant: str = "", repetition: int = 0, *, of: LoadResult | None = None, **figures: float
) -> ScenarioResult:
    return ScenarioResult(scenario, model, variant, repetition, figures, load=of)


@lru_cache  # 16 ms each, in a hundred tests
def measured(model: str, variant: str, typical: float, lost: int, capacity: float) -> tuple[ScenarioResult, ...]:
    """Three repetitions of five scenarios."""
    made = []
    for repetition in range(3):
        rng = Random(f"{model}{variant}{repetition}")
        near = rng.uniform(0.97, 1.03)
        at_load = load(typical * near, repetition)
        hit = load(typical * near, repetition, {"reset": lost} if lost else {})
        tail = {"p50": typical * near, "p99": 4 * typical * near, "p999": 6 * typical * near}
        fails = {"intended": float(hit.intended), "failed": float(lost), "reset": float(lost), "recovery": 0.1}
        made += [
            result("capacity", model, variant, repetition, requests_per_second=capacity * near, p99=9 * typical),
            result("latency", model, variant, repetition, of=at_load, failed=0.0, intended=600.0, **tail),
            ScenarioResult(
                "crash",
                model,
                variant,
                repetition,
                fails,
                load=hit,
                marks=(Mark(1.1, "SIGKILL worker 1"),),
                notes=("started again by its <supervisor>",),
            ),
            ScenarioResult(
                "fairness",
                model,
                variant,
                repetition,
                {"jain_connections": 0.9, "cv_connections": 0.3, "chance_cv": 0.1},
                shares=(WorkerShare(1, 100, 30, 300, 0.5), WorkerShare(2, 101, 20, 200, 0.4)),
            ),
            result("footprint", model, variant, repetition, memory=1e7 * near, processes=3.0, cpu_per_request=1e-4),
        ]
    return tuple(made)


def compared(*more: ScenarioResult) -> Comparison:
    """Four ways that run, one that cannot; one without losses, one slow, one that loses much."""
    results = [
        *measured("direct", "", 0.001, 400, 9000.0),
        *measured("prefork", "epoll", 0.002, 30, 15000.0),
        *measured("reuseport", "supervised", 0.004, 31, 15500.0),
        *measured("proxy-tcp", "least-connections", 0.002, 0, 11000.0),
        ScenarioResult("restart", "direct", "", 0, {}, cannot="one process cannot be replaced without a gap"),
        ScenarioResult("crash", "reuseport", "supervised", 0, {"failed": 0.0}, {"net.ipv4.tcp_migrate_req": "1"}),
        *more,
    ]
    return Comparison(
        application="backends.hello",
        environment={"machine": {"cpus": "2"}, "kernel": {"release": "6.18"}},
        settings={"workers": "2", "repetitions": "3"},
        began=1.8e9,
        seconds=100.0,
        finished=True,
        available=(
            Available("direct", "", "one process", (), "python -m backends.hello"),
            Available("prefork", "epoll", "one listener, N processes", (), "python -m backends.prefork <&3>"),
            Available("reuseport", "supervised", "N sockets on one port", (), "python"),
            Available("proxy-tcp", "least-connections", "rproxy before ports", (), 'balance = "least-connections"'),
            Available("systemd", "sane", "template units", ("no systemd: apt-get install systemd",)),
        ),
        results=tuple(results),
    )

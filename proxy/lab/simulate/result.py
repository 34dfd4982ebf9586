"""What a simulation found, as one frozen record."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from proxy.core.metrics.fairness import jain_index
from proxy.lab.load.recorder import quantile
from proxy.lab.simulate.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.simulate.registry import Way
    from proxy.lab.simulate.spec import SimulationSpec

BATCHES = 20
STUDENT = 2.093  # of t with 19 degrees of freedom, 95 % on both sides


@dataclass(frozen=True, slots=True)
class Spread:
    """Of seconds. error: half the width of the 95 % interval of the mean, by batch means."""

    mean: float
    error: float
    p50: float
    p90: float
    p99: float
    p999: float
    max: float


@dataclass(frozen=True, slots=True)
class Share:
    """How evenly something fell on the workers. jain: 1 when all have the same, 1 / workers when one has all.
    largest: that of the busiest over the mean; 1 when all have the same."""

    jain: float
    largest: float


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """scheme, summary: of the `Way`. requests: recorded. latency: from arrival to end; wait: from arrival to begin.
    connections: None where they bind nobody. expected_wait: by theory, of `wait.mean`; None where it has no exact
    answer. utilisation: of all slots, the share that was busy. seconds: that were simulated."""

    scheme: str
    summary: str
    requests: int
    seconds: float
    utilisation: float
    latency: Spread
    wait: Spread
    jobs: Share
    busy: Share
    connections: Share | None
    expected_wait: float | None


def simulate(spec: SimulationSpec, way: Way) -> SimulationResult:
    """Runs it: 3 to 7 us a request."""
    simulation = Simulation(spec, way.make(spec), reserve=spec.reserve if way.pulls else 0.0)
    simulation.run()
    workers = simulation.workers
    connections = [worker.connections for worker in workers]
    busy = [worker.busy for worker in workers]
    recorded = len(simulation.latencies)
    return SimulationResult(
        scheme=way.name,
        summary=way.summary,
        requests=recorded,
        seconds=simulation.now,
        utilisation=sum(busy) / recorded * spec.requests / (simulation.now * spec.workers * spec.slots),
        latency=spread(simulation.latencies),
        wait=spread(simulation.waits),
        jobs=_share([worker.jobs for worker in workers]),
        busy=_share(busy),
        connections=_share(connections) if any(connections) else None,
        expected_wait=way.expected_wait(spec),
    )


def spread(seconds: Sequence[float]) -> Spread:
    """seconds: in the order in which they came; at least one."""
    ordered = sorted(seconds)
    p50, p90, p99, p999 = (quantile(ordered, share) for share in (0.5, 0.9, 0.99, 0.999))
    mean = sum(ordered) / len(ordered)
    return Spread(mean, _error(seconds), p50, p90, p99, p999, ordered[-1])


def _error(seconds: Sequence[float]) -> float:
    """Neighbours in a queue wait alike, so single values tell too little of the error; means of long batches are nearly
    independent. 0 for less than 20 values. Source: Law, Simulation Modeling and Analysis, 2015, section 9.5.3."""
    size = len(seconds) // BATCHES
    if not size:
        return 0.0
    means = [sum(seconds[batch * size : (batch + 1) * size]) / size for batch in range(BATCHES)]
    middle = sum(means) / BATCHES
    variance = sum((mean - middle) ** 2 for mean in means) / (BATCHES - 1)
    return STUDENT * sqrt(variance / BATCHES)


def _share(values: Sequence[float]) -> Share:
    total = sum(values)
    return Share(jain_index(values), max(values) * len(values) / total if total else 1.0)

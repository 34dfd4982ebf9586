"""The simulation against queueing theory, with intervals of its own making; and that nothing gets lost in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from proxy.lab.simulate.registry import WAYS
from proxy.lab.simulate.result import simulate
from proxy.lab.simulate.service import Constant, Exponential, OneSlow, Service
from proxy.lab.simulate.simulation import Simulation
from proxy.lab.simulate.spec import SimulationSpec
from proxy.lab.simulate.trace import Trace

if TYPE_CHECKING:
    from tests.conftest import Figures

SPEC = SimulationSpec(Exponential(0.01), workers=4, load=0.7, requests=60_000)


def closeness(spec: SimulationSpec, name: str, figures: Figures, what: str) -> None:
    """The interval covers theory 19 times in 20; the seed is fixed, and twice the interval is what has to hold."""
    result = simulate(spec, WAYS[name])
    expected = result.expected_wait
    assert expected is not None
    wait = result.wait
    figures(
        f"simulated {what}: waits {wait.mean * 1e3:.3f} ms ±{wait.error * 1e3:.3f}, by theory {expected * 1e3:.3f} ms"
    )
    assert wait.error < 0.2 * expected
    assert wait.mean == pytest.approx(expected, abs=2 * wait.error)


def test_m_m_1(figures: Figures) -> None:
    closeness(replace(SPEC, workers=1), "queue", figures, "M/M/1")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 16])
def test_m_m_c(workers: int, figures: Figures) -> None:
    closeness(replace(SPEC, workers=workers, load=0.85), "shared-epoll", figures, f"M/M/{workers}")


@pytest.mark.parametrize("service", [Constant(0.01), OneSlow(0.005, 0.1, 0.02)], ids=["M/D/1", "one slow"])
def test_m_g_1(service: Service, figures: Figures) -> None:
    closeness(replace(SPEC, workers=1, service=service), "queue", figures, f"M/G/1, cv2 {service.cv2:.1f}")


def test_a_hash_is_a_queue_for_each(figures: Figures) -> None:
    closeness(SPEC, "reuseport", figures, "SO_REUSEPORT over 4")


@pytest.mark.slow
def test_two_choices_of_many(figures: Figures) -> None:
    spec = replace(SPEC, workers=200, load=0.9, requests=120_000)
    closeness(spec, "proxy-two-choices", figures, "two choices of 200")


def test_least_connections_with_limits_is_one_queue(figures: Figures) -> None:
    closeness(replace(SPEC, limit=1), "proxy-least-connections", figures, "least connections, max_connections 1")


def test_slots_of_one_worker_are_as_good_as_workers(figures: Figures) -> None:
    closeness(replace(SPEC, workers=1, slots=4), "queue", figures, "M/M/4 in one worker")


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("connections", [0, 7])
@pytest.mark.parametrize("slots", [1, 3])
def test_every_request_is_served_once_and_takes_what_it_takes(name: str, connections: int, slots: int) -> None:
    spec = replace(
        SPEC, requests=1500, warm_up=0.0, slots=slots, connections=connections, patterns=2, proxies=2, limit=4
    )
    simulation = Simulation(spec, WAYS[name].make(spec), reserve=0.001)
    simulation.run()
    assert sum(worker.jobs for worker in simulation.workers) == 1500
    assert {worker.free for worker in simulation.workers} == {slots}
    services = list(zip(spec.services(), range(1500), strict=False))
    assert all(wait >= 0 for wait in simulation.waits)
    assert list(simulation.latencies) == pytest.approx(
        [wait + service for wait, (service, _) in zip(simulation.waits, services, strict=True)]
    )


def test_one_worker_serves_in_order_and_reserve_keeps_it_from_the_next() -> None:
    spec = SimulationSpec(
        Trace((1.0, 1.0, 1.0), (0.0, 0.5, 9.0)), workers=1, arrivals="trace", requests=3, warm_up=0.0, reserve=0.25
    )
    assert simulate(spec, WAYS["queue"]).latency.max == pytest.approx(1.75)
    assert simulate(spec, WAYS["reuseport"]).latency.max == pytest.approx(1.5)


def test_requests_wait_for_a_connection_on_the_clock() -> None:
    spec = SimulationSpec(Trace((1.0, 1.0), (0.0, 0.5)), workers=2, arrivals="trace", requests=2, warm_up=0.0)
    assert simulate(spec, WAYS["queue"]).latency.max == pytest.approx(1.0)
    assert simulate(replace(spec, connections=1), WAYS["queue"]).latency.max == pytest.approx(1.5)

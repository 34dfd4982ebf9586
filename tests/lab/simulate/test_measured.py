"""The same small case measured and simulated: real workers, the real kernel, the lab's own load; and their distance."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio
from hdrh.histogram import HdrHistogram

from proxy.lab.load.generate import generate
from proxy.lab.load.mix import exponential
from proxy.lab.load.spec import LoadSpec
from proxy.lab.simulate.registry import WAYS
from proxy.lab.simulate.result import simulate
from proxy.lab.simulate.service import Mixed
from proxy.lab.simulate.spec import SimulationSpec
from tests.processes import free_port, start_process, wait_listening

if TYPE_CHECKING:
    from proxy.lab.results import LoadResult
    from tests.conftest import Figures

WORKERS, SERVICE, LOAD, SECONDS, WARM_UP = 4, 0.01, 0.6, 2.0, 0.2
PATHS = exponential(SERVICE, "delay")
SCHEMES = {"shared": "shared-accept", "reuseport": "reuseport"}


def predicted(scheme: str) -> float:
    """Mean latency of the very requests that the generator sends: its moments and its draws come from the same seed."""
    service = Mixed(tuple((weight, float(path.partition("=")[2])) for weight, path in PATHS))
    share = WARM_UP / (WARM_UP + SECONDS)
    requests = round(LOAD * WORKERS / service.mean * (WARM_UP + SECONDS))
    spec = SimulationSpec(service, workers=WORKERS, load=LOAD, requests=requests, warm_up=share)
    return simulate(spec, WAYS[scheme]).latency.mean


async def measured(way: str, results: dict[str, LoadResult]) -> None:
    port = free_port()
    command = (sys.executable, "-m", "tests.lab.simulate.one_at_a_time", str(port), str(WORKERS), way)
    with start_process(command) as process:
        await trio.to_thread.run_sync(partial(wait_listening, f"127.0.0.1:{port}", process=process))
        spec = LoadSpec(
            f"127.0.0.1:{port}", rate=LOAD * WORKERS / SERVICE, seconds=SECONDS, warm_up=WARM_UP, paths=PATHS,
            clients="new", connections=1000,
        )  # fmt: skip
        results[way] = await generate(spec)


@pytest.mark.soak  # what is measured wants a machine that does nothing else
async def test_prediction_and_measurement_agree(figures: Figures) -> None:
    """Twice or half is what a busy machine may make of it; the way that is worse is worse in both."""
    results: dict[str, LoadResult] = {}
    async with trio.open_nursery() as nursery:
        for way in SCHEMES:
            nursery.start_soon(measured, way, results)
    means = {}
    for way, scheme in SCHEMES.items():
        result, expected = results[way], predicted(scheme)
        assert result.errors == {}
        means[way] = HdrHistogram.decode(result.latency).get_mean_value() / 1e6
        figures(
            f"{scheme}: mean latency {means[way] * 1e3:.1f} ms measured over {result.completed} requests, "
            f"{expected * 1e3:.1f} ms simulated: {means[way] / expected - 1:+.0%}"
        )
        assert expected / 2 < means[way] < expected * 2
    assert means["reuseport"] > means["shared"]

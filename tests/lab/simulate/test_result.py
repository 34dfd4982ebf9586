"""Figures of a simulation."""

from __future__ import annotations

from random import Random
from statistics import fmean

import pytest

from proxy.lab.simulate.registry import WAYS
from proxy.lab.simulate.result import simulate, spread
from proxy.lab.simulate.service import Constant
from proxy.lab.simulate.spec import SimulationSpec


def test_percentiles() -> None:
    found = spread([second / 1000 for second in range(1, 1001)])
    assert (found.p50, found.p90, found.p99, found.p999, found.max) == (0.5, 0.9, 0.99, 0.999, 1.0)
    assert found.mean == pytest.approx(0.5005)


def test_the_interval_covers_the_mean_about_19_times_in_20() -> None:
    rng = Random(1)
    samples = [[rng.expovariate(1.0) for _ in range(400)] for _ in range(200)]
    covered = sum(abs(fmean(sample) - 1) <= spread(sample).error for sample in samples)
    assert 180 <= covered <= 199


def test_too_few_for_an_interval() -> None:
    assert spread([1.0, 2.0]).error == 0


def test_what_all_workers_have_the_same_of() -> None:
    spec = SimulationSpec(Constant(0.01), workers=4, load=0.5, arrivals="constant", requests=400, warm_up=0.0)
    result = simulate(spec, WAYS["proxy-round-robin"])
    assert (result.jobs.jain, result.jobs.largest) == (1.0, 1.0)
    assert result.utilisation == pytest.approx(0.5, rel=0.02)
    assert result.connections is None
    assert result.latency.max == pytest.approx(0.01)
    assert result.requests == 400

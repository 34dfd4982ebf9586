"""Service times: their draws have the moments that they claim, and text that is none is refused with an example."""

from __future__ import annotations

from itertools import islice
from random import Random
from statistics import fmean, pvariance

import pytest

from proxy.lab.simulate.service import (
    EXAMPLES,
    Constant,
    Exponential,
    LogNormal,
    Mixed,
    OneSlow,
    Pareto,
    Service,
    parse_service,
)


@pytest.mark.parametrize(
    "service",
    [
        Constant(0.01),
        Exponential(0.01),
        OneSlow(0.005, 0.2, 0.01),
        LogNormal(0.01, 1.0),
        Pareto(0.01, 6.0),
        Mixed(((3.0, 0.01), (1.0, 0.05))),
    ],
    ids=lambda service: type(service).__name__,
)
def test_draws_have_the_moments(service: Service) -> None:
    values = list(islice(service.draws(Random(5)), 20_000))
    assert fmean(values) == pytest.approx(service.mean, rel=0.05)
    assert pvariance(values) / service.mean**2 == pytest.approx(service.cv2, rel=0.25, abs=1e-9)
    assert values == list(islice(service.draws(Random(5)), 20_000))


def test_every_example_is_read() -> None:
    assert [parse_service(text) for text in EXAMPLES.values()] == [
        Constant(0.01),
        Exponential(0.01),
        OneSlow(0.005, 0.2, 0.01),
        LogNormal(0.01, 2.0),
        Pareto(0.01, 2.2),
    ]


def test_the_variance_of_a_heavy_tail_is_infinite() -> None:
    assert Pareto(1.0, 2.0).cv2 == float("inf")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("normal:10ms", "no service time"),
        ("exponential", "too many or too few values"),
        ("exponential:10ms,3", "write it like exponential:10ms"),
        ("exponential:10", 'write "10s"'),
        ("slow:1ms,2ms,100%", "no share"),
        ("slow:1ms,2ms,x", "'x'"),
        ("pareto:1ms,1", "no number over 1"),
        ("lognormal:1ms,inf", "no number over 0"),
    ],
)
def test_what_is_no_service_time(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_service(text)

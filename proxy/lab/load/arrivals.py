"""When requests come, in seconds from the start: pure, and the same again from the same seed."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.lab.load.spec import LoadSpec


def arrivals(spec: LoadSpec, seconds: float) -> Iterator[float]:
    """Ascending moments from 0 to `seconds`.

    One unit of expected arrivals after the other, or exponential parts of them for a Poisson process, through the
    inverse of the expected number at each moment: so a ramp is the same process on another clock.
    Source: time-scale transformation, Cinlar, Introduction to Stochastic Processes, 1975, section 4.7.
    """
    end = spec.rate if spec.ramp_to is None else spec.ramp_to
    rng = Random(spec.seed)
    group = spec.burst if spec.arrivals == "bursts" else 1
    expected = 0.0
    while True:
        at = moment(expected, spec.rate, end, seconds)
        if at >= seconds:
            return
        if expected or spec.arrivals != "poisson":
            for _ in range(group):
                yield at
        expected += rng.expovariate(1.0) if spec.arrivals == "poisson" else group


def moment(expected: float, rate: float, end: float, seconds: float) -> float:
    """When so many arrivals are expected to have come, with a rate that goes from `rate` to `end` within `seconds`.

    Solves rate * t + slope * t**2 / 2 = expected in the form that is exact for a slope of 0; infinite where a rate that
    falls to nothing never gets there.
    """
    slope = (end - rate) / seconds
    under = rate * rate + 2 * slope * expected
    if under < 0:
        return math.inf
    divisor = rate + math.sqrt(under)
    return 2 * expected / divisor if divisor else math.inf

"""What may be asked for, and what rate it comes to."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from proxy.lab.load.arrivals import arrivals
from proxy.lab.load.spec import LoadSpec
from proxy.lab.simulate.service import Constant
from proxy.lab.simulate.spec import SimulationSpec
from proxy.lab.simulate.trace import Trace

SPEC = SimulationSpec(Constant(0.01), workers=4, slots=2, load=0.5, requests=500)


def test_the_rate_is_what_makes_the_load() -> None:
    assert SPEC.rate == pytest.approx(400)
    assert SPEC.offered == pytest.approx(0.5)


def test_requests_arrive_as_those_of_the_generator() -> None:
    load = LoadSpec("127.0.0.1:1", rate=SPEC.rate, seed=SPEC.seed)
    moments = list(SPEC.moments())
    assert len(moments) == 500
    assert moments == pytest.approx(list(islice(arrivals(load, 10.0), 500)))


def test_bursts() -> None:
    moments = list(replace(SPEC, arrivals="bursts", burst=5, requests=10).moments())
    assert moments == pytest.approx([0.0] * 5 + [5 / 400] * 5)


def test_a_trace_has_its_own_rate() -> None:
    trace = Trace((0.1, 0.3), (0.0, 1.0))
    spec = SimulationSpec(trace, arrivals="trace", requests=4)
    assert list(spec.moments()) == [0, 1, 2, 3]
    assert spec.rate == 1
    assert spec.offered == pytest.approx(0.2 / 4)
    assert SimulationSpec(trace, load=0.5).rate == pytest.approx(10)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"workers": 0}, "workers: 0 is not above 0"),
        ({"load": -1.0}, "load"),
        ({"reserve": -1.0}, "reserve: -1.0 is below 0"),
        ({"patterns": 5}, "need as many workers"),
        ({"arrivals": "trace"}, "no trace"),
    ],
)
def test_what_cannot_be_simulated(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(SPEC, **change)

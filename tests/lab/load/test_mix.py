"""What is sent: well-formed requests, drawn by weight; and service times with the mean that was asked for."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from urllib.parse import parse_qs, urlsplit

import pytest

from proxy.core.http.request import RequestParser
from proxy.lab.load.mix import Paths, constant, exponential, mix, one_slow, requests
from proxy.lab.load.spec import LoadSpec
from proxy.lab.simulate.service import parse_service


def seconds_of(paths: Paths, kind: str) -> list[tuple[float, float]]:
    return [(weight, float(parse_qs(urlsplit(path).query)[kind][0])) for weight, path in paths]


@pytest.mark.parametrize("target", ["127.0.0.1:80", "[::1]:80", "unix:/run/x"])
def test_requests_are_well_formed(target: str) -> None:
    first = next(requests(LoadSpec(target, paths=((1, "/a?b=1"),))))
    kept, closed = RequestParser().parse(first.keep_alive), RequestParser().parse(first.close)
    assert kept.keep_alive
    assert not closed.keep_alive
    assert first.keep_alive.startswith(b"GET /a?b=1 HTTP/1.1\r\n")


def test_draws_follow_the_weights_and_the_seed() -> None:
    spec = LoadSpec("127.0.0.1:80", paths=((99, "/fast"), (1, "/slow")))
    drawn = list(islice(requests(spec), 20_000))
    slow = sum(b"/slow" in one.keep_alive for one in drawn)
    assert 100 < slow < 300
    assert drawn == list(islice(requests(spec), 20_000))


def test_one_path_is_always_drawn() -> None:
    assert len(Counter(islice(requests(LoadSpec("127.0.0.1:80")), 3000))) == 1


def test_exponential_service_times_have_their_mean_and_spread() -> None:
    times = [seconds for _, seconds in seconds_of(exponential(0.01, "delay"), "delay")]
    mean = sum(times) / len(times)
    assert mean == pytest.approx(0.01, rel=1e-3)
    assert sum((time - mean) ** 2 for time in times) / len(times) == pytest.approx(mean**2, rel=0.03)


def test_a_service_time_as_people_write_it_is_a_mix() -> None:
    assert mix(parse_service("constant:5ms")) == constant(0.005)
    assert mix(parse_service("exponential:5ms"), "delay") == exponential(0.005, "delay")
    assert mix(parse_service("slow:2ms,100ms,1%"), "block") == one_slow(0.002, 0.1, 0.01, "block")
    with pytest.raises(ValueError, match="loads are made of"):
        mix(parse_service("pareto:5ms,2"))


def test_constant_and_one_slow() -> None:
    assert seconds_of(constant(0.002), "cpu") == [(1, 0.002)]
    assert seconds_of(one_slow(0.001, 0.1), "cpu") == [(0.99, 0.001), (0.01, 0.1)]

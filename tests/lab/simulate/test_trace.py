"""Traces: access logs as rproxy writes them, and numbers."""

from __future__ import annotations

from itertools import islice
from random import Random

import pytest

from proxy.core.access_log.json_lines import JsonLines
from proxy.core.access_log.record import Client
from proxy.core.client.peer import Peer
from proxy.lab.simulate.trace import BadTrace, Trace, read_trace


def logged(began: float, answer: float, status: int = 200) -> str:
    """A line as the access log has it, of an exchange that the backend answered after `answer` seconds."""
    marks = (began, began, began, began, began, began + answer if status else 0.0, began + answer + 0.001)
    outcome = ("app", "127.0.0.1:9001", 1, True, status or 502, status, "ok")
    client = Client(1, Peer("127.0.0.1", 40000))
    return JsonLines("web", "run", query=False).line((client, 1, None, marks, outcome, 100, 200), 1.8e9)


def test_an_access_log() -> None:
    lines = [logged(2.5, 0.004), logged(2.0, 0.010), logged(2.7, 0.1, status=0)]  # in the order in which they ended
    trace = read_trace(lines)
    assert trace.services == pytest.approx((0.010, 0.004))
    assert trace.arrivals == pytest.approx((0, 0.5), abs=1e-3)
    assert trace.mean == pytest.approx(0.007)


def test_numbers() -> None:
    assert read_trace(["# seconds", "0.1", "", "0.2"]) == Trace((0.1, 0.2))
    assert read_trace(["10 0.1", "11,0.3", "10.5, 0.2"]) == Trace((0.1, 0.2, 0.3), (0.0, 0.5, 1.0))
    assert read_trace(["10 0.1", "10 0.2"]).arrivals == ()  # all at once: nothing to replay


def test_it_repeats_with_its_own_distances() -> None:
    trace = Trace((0.1, 0.2, 0.6), (0.0, 1.0, 2.0))
    assert list(islice(trace.moments(), 7)) == [0, 1, 2, 3, 4, 5, 6]
    assert list(islice(trace.draws(Random(1)), 4)) == [0.1, 0.2, 0.6, 0.1]
    assert trace.cv2 == pytest.approx(0.41 / 3 / 0.09 - 1)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "no request"),
        (["0"], "all service times are 0"),
        (["0.1", "1 0.1"], "some lines have an arrival"),
        (["0.1", "fast"], "line 2 is not .*'fast'"),
        (["nan"], "line 1"),
        (["-1"], "line 1"),
        (["1 2 3"], "line 1"),
        (["{}"], "line 1"),
        (["{"], "line 1"),
        (['{"us": 5, "backend_status": 200, "time": "x"'], "line 1"),
    ],
)
def test_what_is_no_trace(lines: list[str], said: str) -> None:
    with pytest.raises(BadTrace, match=said):
        read_trace(lines)

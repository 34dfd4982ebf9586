"""Figures from endings: what counts, what has a latency, and which tenth of a second it belongs to."""

from __future__ import annotations

import pytest
from hdrh.histogram import HdrHistogram

from proxy.lab.load.clients.pools import Ending
from proxy.lab.load.recorder import Recorder, encoded, histogram, quantile
from proxy.lab.results import Slot

BEGAN = 1000.0


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(BEGAN, 0.3)


def end(recorder: Recorder, intended: float, latency: float, cause: str = "", begun: float | None = None) -> None:
    recorder.arrived(BEGAN + intended, 0.0)
    start = BEGAN + intended if begun is None else begun
    recorder.finished(Ending(BEGAN + intended, start, BEGAN + intended + latency, cause))


def test_each_request_counts_once_and_those_of_the_warm_up_never(recorder: Recorder) -> None:
    end(recorder, -0.1, 0.2)
    end(recorder, 0.0, 0.01)
    end(recorder, 0.1, 0.01, "refused")
    end(recorder, 0.2, 0.01, "status-503")
    end(recorder, 0.2, 5.0, "timeout")
    end(recorder, 0.2, 5.0, "unsent", begun=0.0)
    assert (recorder.intended, recorder.sent, recorder.completed) == (5, 4, 1)
    assert recorder.intended == recorder.completed + recorder.errors.total()


def test_what_timed_out_has_a_latency_and_what_was_refused_has_none(recorder: Recorder) -> None:
    end(recorder, 0.0, 5.0, "timeout")
    end(recorder, 0.0, 5.0, "unsent", begun=0.0)
    end(recorder, 0.0, 0.1, "refused")
    assert list(recorder.latencies) == [5.0, 5.0]
    assert list(recorder.services) == [5.0]


def test_the_timeline_is_by_when_requests_ended(recorder: Recorder) -> None:
    for latency in (0.01, 0.02, 0.03):
        end(recorder, 0.0, latency)
    end(recorder, 0.05, 0.1, "reset")
    end(recorder, 0.25, 0.2)
    first, second, third, fourth, last = recorder.timeline()
    assert first == Slot(0.0, 3, 0, pytest.approx(0.02), pytest.approx(0.03))
    assert second == Slot(0.1, 0, 1, 0.0, 0.0)
    assert third.completed == fourth.completed == 0
    assert (last.at, last.completed) == (0.4, 1)


def test_the_timeline_of_nothing_covers_the_measured_time(recorder: Recorder) -> None:
    assert [slot.at for slot in recorder.timeline()] == [0.0, 0.1, 0.2]


def test_a_run_cut_short_forgets_what_is_under_way(recorder: Recorder) -> None:
    end(recorder, 0.0, 0.01)
    recorder.arrived(BEGAN + 0.02, 0.0)
    recorder.cut(BEGAN + 0.1)
    assert recorder.intended == recorder.completed == 1
    assert recorder.seconds == pytest.approx(0.1)


def test_usage_is_of_the_measured_time(recorder: Recorder) -> None:
    recorder.begin(0.0)
    sum(range(300_000))
    recorder.end(0.0)
    assert 0.0 < recorder.cpu_share < 1.5
    assert recorder.waited_share >= 0.0


def test_histograms_are_read_by_everybody() -> None:
    text = encoded(histogram([0.0, 0.001, 0.002, 7200.0]))
    read = HdrHistogram.decode(text)
    assert read.get_total_count() == 4
    assert read.get_min_value() == 1
    assert read.get_value_at_percentile(75) == pytest.approx(2000, rel=0.001)
    assert read.get_max_value() == pytest.approx(3_600_000_000, rel=0.001)


def test_quantiles() -> None:
    assert [quantile([1, 2, 3, 4], share) for share in (0, 0.5, 0.99, 1)] == [1, 2, 4, 4]
    assert quantile([], 0.5) == 0.0

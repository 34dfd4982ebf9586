"""Rates and recent times, from counters that may go on, begin anew, or pause."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.core.statistics import FrontendStatistics, Histogram, Statistics
from proxy.top.history import KEPT, History

KEY = ("frontend", "web", "exchanges")


def told(now: float, exchanges: int, pid: int = 1) -> Statistics:
    frontend = FrontendStatistics(
        name="web", mode="http", addresses=(), active=0, accepted=0, exchanges=exchanges,
        statuses={"200": exchanges, "502": exchanges // 10}, reasons={"dial/connect-refused": exchanges // 10},
        phases={"total": Histogram(bounds=(1.0,), counts=(exchanges, 0), sum=0.0, count=exchanges)},
    )  # fmt: skip
    return Statistics(
        version="", pid=pid, config_file="", generation=1, started_at=0.0, now=now,
        workers=(), frontends=(frontend,), pools=(), events=(),
    )  # fmt: skip


def after(*all_told: Statistics) -> History:
    history = History()
    for one in all_told:
        history.add(one)
    return history


def test_nothing_is_known_of_one_snapshot() -> None:
    history = after(told(0.0, 50))
    assert history.rate(*KEY) is None
    assert history.series(*KEY) == []
    assert history.times("web") is None


def test_rates_are_per_second_whatever_the_gap() -> None:
    assert after(told(0.0, 50), told(2.0, 60)).rate(*KEY) == 5.0


def test_a_rate_is_the_mean_of_some_seconds() -> None:
    history = after(*(told(float(second), 10 * second) for second in range(60)), told(60.0, 690))
    assert history.series(*KEY)[-1] == 100.0
    assert history.rate(*KEY) == pytest.approx(28.0)


def test_a_snapshot_told_again_changes_nothing() -> None:
    assert after(told(0.0, 0), told(1.0, 10), told(1.0, 10)).series(*KEY) == [10.0]


def test_another_process_begins_anew() -> None:
    history = after(told(0.0, 500), told(1.0, 2, pid=2))
    assert history.rate(*KEY) is None
    history.add(told(2.0, 4, pid=2))
    assert history.rate(*KEY) == 2.0


def test_a_counter_that_went_back_gives_no_negative_rate() -> None:
    assert after(told(0.0, 500), told(1.0, 2)).rate(*KEY) == 0.0


def test_what_was_not_there_counts_as_0() -> None:
    empty = replace(told(0.0, 0), frontends=())
    assert after(empty, told(1.0, 10)).rate(*KEY) == 10.0


def test_it_forgets() -> None:
    history = after(*(told(float(second), second) for second in range(3 * KEPT)))
    assert len(history.series(*KEY)) == KEPT
    assert history.seen(*KEY) == KEPT


def test_reasons_and_server_errors_are_counted() -> None:
    history = after(told(0.0, 0), told(1.0, 100))
    assert history.seen("frontend", "web", "reason", "dial/connect-refused") == 10
    assert history.rate("frontend", "web", "5xx") == 10.0


def test_times_are_of_the_last_ten_seconds() -> None:
    history = after(*(told(float(second), second) for second in range(40)))
    times = history.times("web")
    assert times is not None
    assert times.count == 10
    assert history.times("other") is None

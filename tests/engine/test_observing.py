"""When failures in a row become a report."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from proxy.core import config
from proxy.core.address import parse_address
from proxy.engine.backend import LiveBackend
from proxy.engine.observing import ObservingPool, Sight

if TYPE_CHECKING:
    from proxy.core.config.sections.pool import WhenAllDown

ADDRESSES = ("127.0.0.1:9001", "127.0.0.1:9002")


class Watched(ObservingPool):
    def __init__(self, when_all_down: WhenAllDown = "try", **ejection: int) -> None:
        backends = [LiveBackend(parse_address(address)) for address in ADDRESSES]
        super().__init__("app", "round-robin", backends, Random(0), run_later=lambda _function, _backend: None)
        self.config = config.Pool(
            name="app",
            backends=tuple(config.Backend(address=backend.address) for backend in backends),
            when_all_down=when_all_down,
            ejection=config.Ejection(**ejection),  # type: ignore[arg-type] # whole numbers only, here
        )
        self.reports: list[tuple[str, Sight, str]] = []
        self.report = lambda _pool, backend, what, reason: self.reports.append((backend.name, what, reason))
        self.first = backends[0]


def test_connects_are_reported_when_enough_failed_in_a_row() -> None:
    pool = Watched(connect_failures=3)
    for _ in range(2):
        pool.connect_failed(pool.first, "connect-refused")
    pool.connected(pool.first)
    for _ in range(2):
        pool.connect_failed(pool.first, "connect-refused")
    assert pool.reports == []
    pool.connect_failed(pool.first, "connect-timeout")
    assert pool.reports == [(ADDRESSES[0], "connect-failed", "connect-timeout")]


def test_a_report_that_changed_nothing_is_made_again() -> None:
    pool = Watched(failures=2)
    for _ in range(5):
        pool.answer_failed(pool.first, "500")
    assert len(pool.reports) == 2


def test_a_good_answer_is_reported_after_a_bad_report_only() -> None:
    pool = Watched(failures=2)
    pool.answer_failed(pool.first, "500")
    pool.answered(pool.first)
    assert pool.reports == []
    pool.answer_failed(pool.first, "500")
    pool.answer_failed(pool.first, "503")
    pool.answered(pool.first)
    assert pool.reports == [(ADDRESSES[0], "failed", "503"), (ADDRESSES[0], "answered", "")]
    assert pool.first.failed_answers == 0


def test_a_fault_that_all_share_is_not_reported_until_another_does_better() -> None:
    pool = Watched(failures=2)
    other = pool.backends[1]
    for _ in range(3):
        pool.answer_failed(other, "500")
        pool.answer_failed(pool.first, "500")
    assert pool.reports == []
    pool.answered(other)
    pool.reports.clear()
    pool.answer_failed(pool.first, "500")
    assert pool.reports == [(ADDRESSES[0], "failed", "500")]


def test_none_are_enough_where_it_is_turned_off() -> None:
    pool = Watched(failures=0, connect_failures=0)
    for _ in range(10):
        pool.answer_failed(pool.first, "500")
        pool.connect_failed(pool.first, "connect-refused")
    pool.answered(pool.first)
    assert pool.reports == []


def test_a_change_of_state_begins_a_new_row() -> None:
    pool = Watched(failures=2)
    pool.answer_failed(pool.first, "500")
    pool.mark(pool.first, is_healthy=True)
    assert pool.first.failed_answers == 1
    pool.mark(pool.first, is_healthy=False)
    pool.mark(pool.first, is_healthy=True)
    pool.answer_failed(pool.first, "500")
    assert pool.reports == []


def test_where_nobody_is_tried_when_all_are_down_the_last_one_stays() -> None:
    pool = Watched("refuse", connect_failures=1)
    pool.mark(pool.backends[1], is_healthy=False)
    pool.connect_failed(pool.first, "connect-refused")
    assert pool.reports == []
    pool.mark(pool.backends[1], is_healthy=True)
    pool.connect_failed(pool.first, "connect-refused")
    assert len(pool.reports) == 1
    pool.set_draining(pool.backends[1], True)
    pool.connect_failed(pool.first, "connect-refused")
    assert len(pool.reports) == 1

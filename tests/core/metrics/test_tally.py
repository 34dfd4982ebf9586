from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.access_log.record import Client
from proxy.core.client.peer import Peer
from proxy.core.metrics.tally import Tally
from proxy.core.metrics.times import bucket_of
from proxy.core.metrics.told import Ended

if TYPE_CHECKING:
    from proxy.core.access_log.record import Record
    from proxy.core.metrics.told import FrontendTold

CLIENT = Client(1, Peer())
OK = ("app", "127.0.0.1:1", 1, True, 200, 200, "ok")


def record(
    *marks: float, outcome: tuple[str, str, int, bool, int, int, str] = OK, sizes: tuple[int, int] = (10, 20)
) -> Record:
    """marks: what it reached, and its end as the last one."""
    *reached, ended = marks
    return CLIENT, 1, None, [*reached, *[0.0] * (6 - len(reached)), ended], outcome, *sizes


def told(*records: Record, is_tcp: bool = False) -> FrontendTold:
    tally = Tally(is_tcp=is_tcp)
    tally.add(records)
    return tally.take()


def spans(found: FrontendTold) -> dict[str, float]:
    return {name: pytest.approx(times.sum) for name, times in found.phases.items()}


def test_an_exchange_that_waited_for_its_answer_only() -> None:
    found = told(record(1.0, 1.0, 1.0, 1.0, 1.0, 1.25, 1.25))
    assert found.ended == [Ended("app", "127.0.0.1:1", 200, "ok", 1, 10, 20)]
    assert spans(found) == {"read": 0, "pick": 0, "dial": 0, "write": 0, "answer": 0.25, "body": 0, "total": 0.25}
    assert found.latencies == {"app": {"127.0.0.1:1": {bucket_of(0.25): 1}}}


def test_an_exchange_that_took_its_time_at_every_step() -> None:
    found = told(record(1.0, 1.1, 1.3, 1.6, 2.0, 2.5, 3.1))
    assert spans(found) == {
        "read": 0.1, "pick": 0.2, "dial": 0.3, "write": 0.4, "answer": 0.5, "body": 0.6, "total": 2.1
    }  # fmt: skip
    assert found.latencies == {"app": {"127.0.0.1:1": {bucket_of(2.5 - 1.3): 1}}}


def test_the_step_in_which_it_ended_has_the_rest_and_later_ones_nothing() -> None:
    outcome = ("app", "127.0.0.1:1", 3, False, 502, 0, "dial/connect-refused")
    found = told(record(1.0, 1.1, 1.3, 1.8, outcome=outcome))
    assert spans(found) == {"read": 0.1, "pick": 0.2, "dial": 0.5, "total": 0.8}
    assert found.latencies == {"app": {"127.0.0.1:1": {}}}  # it did not answer


def test_a_request_that_was_refused_at_once() -> None:
    found = told(record(1.0, 1.5, outcome=("", "", 0, False, 400, 0, "parse/syntax")))
    assert spans(found) == {"read": 0.5, "total": 0.5}
    assert found.latencies == {}


def test_tunnels_and_tcp_sessions_have_a_step_of_their_own() -> None:
    switched = told(record(1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 9.5, outcome=(*OK[:4], 101, 101, "ok")))
    assert spans(switched)["tunnel"] == 8.0
    assert "body" not in switched.phases
    session = told(record(1.0, 1.0, 1.0, 1.25, 1.25, 1.25, 9.25, outcome=(*OK[:4], 0, 0, "ok")), is_tcp=True)
    assert spans(session) == {"pick": 0, "dial": 0.25, "tunnel": 8, "total": 8.25}
    assert session.latencies == {"app": {"127.0.0.1:1": {bucket_of(0.25): 1}}}


def test_outcomes_that_differ_in_what_is_not_told_are_one() -> None:
    marks = (1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 1.5)
    again = ("app", "127.0.0.1:1", 2, False, 200, 200, "ok")
    found = told(record(*marks), record(*marks, outcome=again), record(*marks, sizes=(1, 2)))
    assert found.ended == [Ended("app", "127.0.0.1:1", 200, "ok", 3, 21, 42)]


def test_what_was_taken_is_not_taken_again() -> None:
    tally = Tally()
    tally.add([record(1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 1.5), record(1.0, 1.2, 1.2, 1.2, 1.2, 1.5, 1.9)])
    tally.take()
    found = tally.take(active=3, accepted=4)
    assert (found.active, found.accepted, found.ended, found.phases, found.latencies) == (3, 4, [], {}, {})


steps = st.lists(st.floats(0, 10, allow_nan=False), min_size=1, max_size=7)


@given(st.lists(st.tuples(steps, st.integers(0, 9), st.integers(0, 9))))
def test_every_record_is_counted_once_with_all_its_time(all_of_them: list[tuple[list[float], int, int]]) -> None:
    records = []
    for durations, bytes_in, bytes_out in all_of_them:
        marks = [1000.0]
        for duration in durations[:6]:
            marks.append(marks[-1] + duration)
        records.append(record(*marks, sizes=(bytes_in, bytes_out)))
    found = told(*records)
    assert sum(ended.count for ended in found.ended) == len(records)
    assert sum(ended.bytes_in for ended in found.ended) == sum(record[5] for record in records)
    assert sum(ended.bytes_out for ended in found.ended) == sum(record[6] for record in records)
    total = sum(record[3][6] - record[3][0] for record in records)
    steps = sum(times.sum for name, times in found.phases.items() if name != "total")
    assert steps == pytest.approx(total, abs=1e-6)
    if records:
        assert sum(found.phases["total"].counts.values()) == len(records)
        assert found.phases["total"].sum == pytest.approx(total, abs=1e-6)

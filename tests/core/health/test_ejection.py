from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.core import config
from proxy.core.health.ejection import MOST_DOUBLINGS, Ejection, outliers

SETTINGS = config.Ejection(first_time=10.0, longest_time=60.0)


def after(*gaps: float) -> list[float]:
    """How long each ejection is, when it begins so many seconds after the last one ended."""
    ejection, now, times = Ejection(), 1000.0, []
    for gap in gaps:
        now += gap
        times.append(ejection.eject(SETTINGS, now))
        now += times[-1]
        ejection.end(now)
    return times


def test_each_time_is_twice_as_long_up_to_the_longest() -> None:
    assert after(0, 1, 1, 1, 1) == [10, 20, 40, 60, 60]


def test_time_in_service_takes_doublings_back() -> None:
    assert after(0, 1, 10, 1) == [10, 20, 20, 40]
    assert after(0, 1, 1, 35, 1_000_000) == [10, 20, 40, 10, 10]


def test_what_a_backend_goes_through() -> None:
    ejection = Ejection()
    assert not ejection.is_failing
    ejection.failed("5 in a row: 500", 1.0)
    ejection.failed("5 in a row: 503", 2.0)
    assert (ejection.failing_since, ejection.reason) == (1.0, "5 in a row: 503")
    assert ejection.eject(SETTINGS, 2.0) == 10.0
    assert ejection.ends_at == 12.0
    ejection.answered()
    assert ejection.is_ejected
    assert not ejection.is_failing
    ejection.end(12.0)
    assert not ejection.is_ejected
    assert ejection.count == 1


@given(st.lists(st.floats(0, 1e9), max_size=80))
def test_no_history_is_out_of_bounds(gaps: list[float]) -> None:
    assert all(10 <= seconds <= 60 for seconds in after(*gaps))
    assert MOST_DOUBLINGS < 1000  # 2.0 ** 1024 overflows


def pool_of(*failing_since: float | None) -> list[tuple[int, Ejection]]:
    pool = []
    for number, since in enumerate(failing_since):
        ejection = Ejection()
        if since is not None:
            ejection.failed("", since)
        pool.append((number, ejection))
    return pool


def test_one_that_fails_beside_others_that_do_not() -> None:
    assert outliers(pool_of(None, 3.0, None, None), backends=4, ejected=0, max_percent=50) == [1]


def test_a_fault_that_all_share_ejects_nobody() -> None:
    assert outliers(pool_of(1.0, 2.0, 3.0), backends=3, ejected=0, max_percent=100) == []
    assert outliers(pool_of(1.0), backends=1, ejected=0, max_percent=100) == []
    assert outliers([], backends=3, ejected=3, max_percent=100) == []


def test_the_share_is_kept_and_who_failed_first_goes() -> None:
    failing = pool_of(3.0, 1.0, 2.0, None)
    assert outliers(failing, backends=4, ejected=0, max_percent=50) == [1, 2]
    assert outliers(failing, backends=5, ejected=1, max_percent=50) == [1]
    assert outliers(failing, backends=6, ejected=2, max_percent=34) == []


def test_one_may_go_however_small_the_share_unless_it_is_none() -> None:
    assert outliers(pool_of(None, 1.0), backends=2, ejected=0, max_percent=1) == [1]
    assert outliers(pool_of(None, 1.0), backends=2, ejected=0, max_percent=0) == []


@given(
    st.lists(st.none() | st.floats(0, 100), max_size=20), st.integers(0, 20), st.integers(0, 20), st.integers(0, 100)
)
def test_never_the_last_and_never_more_than_the_share(
    since: list[float | None], ejected: int, others: int, max_percent: int
) -> None:
    backends = len(since) + ejected + others
    chosen = outliers(pool_of(*since), backends=backends, ejected=ejected, max_percent=max_percent)
    assert len(chosen) < max(len(since), 1)
    assert all(since[number] is not None for number in chosen)
    if chosen:
        assert len(chosen) + ejected <= max(1, backends * max_percent // 100)

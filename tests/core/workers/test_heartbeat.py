from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.workers.heartbeat import Heartbeat

PAUSES = st.lists(st.floats(0.01, 0.5), min_size=1, max_size=100)


def test_silence_adds_up_until_it_moves() -> None:
    heart = Heartbeat(interval=0.25, now=0.0)
    assert [heart.silence(7.0, n * 0.25) for n in range(1, 5)] == [0.0, 0.25, 0.5, 0.75]
    assert heart.silence(8.0, 1.25) == 0.0


def test_one_that_never_moved_is_silent_from_the_start() -> None:
    heart = Heartbeat(interval=0.25, now=0.0)
    assert [heart.silence(0.0, n * 0.25) for n in range(1, 4)] == [0.25, 0.5, 0.75]


@given(PAUSES)
def test_silence_is_time_as_long_as_whoever_looks_is_there(pauses: list[float]) -> None:
    heart, now = Heartbeat(interval=0.25, now=0.0), 0.0
    for pause in pauses:
        now += pause
        assert abs(heart.silence(0.0, now) - now) < 1e-6


@given(st.floats(1.0, 1e9))
def test_whoever_was_away_himself_does_not_judge(away: float) -> None:
    heart = Heartbeat(interval=0.25, now=0.0)
    assert heart.silence(1.0, 0.25) == 0.0
    assert heart.silence(1.0, 0.25 + away) == 0.5

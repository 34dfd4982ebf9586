from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.heartbeat import Heartbeat

PAUSES = st.lists(st.floats(0.01, 0.5), min_size=1, max_size=100)


def test_silence_adds_up() -> None:
    heart = Heartbeat(patience=1.0, interval=0.25, now=0.0)
    looks = [heart.is_hung(7, n * 0.25) for n in range(1, 7)]
    assert looks == [False, False, False, False, True, True]  # the first look found it alive
    assert not heart.is_hung(8, 1.75)


@given(PAUSES)
def test_one_that_moves_is_never_hung(pauses: list[float]) -> None:
    heart, now = Heartbeat(patience=0.51, interval=0.25, now=0.0), 0.0
    for sign, pause in enumerate(pauses):
        now += pause
        assert not heart.is_hung(sign, now)


@given(st.floats(1.0, 1e9))
def test_whoever_was_away_himself_does_not_judge(away: float) -> None:
    heart = Heartbeat(patience=2.0, interval=0.25, now=0.0)
    assert not heart.is_hung(1, 0.25)
    assert not heart.is_hung(1, 0.25 + away)
    assert heart.silent == 0.5


@given(PAUSES, st.floats(0.1, 2.0))
def test_one_that_stands_still_is_found_after_its_time_and_not_before(pauses: list[float], patience: float) -> None:
    heart, now, moved_at = Heartbeat(patience, interval=0.25, now=0.0), 0.0, 0.0
    for number, pause in enumerate([*pauses, *[0.25] * 10]):
        now += pause
        is_hung = heart.is_hung(1, now)
        moved_at = now if number == 0 else moved_at
        assert is_hung == (now - moved_at >= patience) or abs(now - moved_at - patience) < 1e-6

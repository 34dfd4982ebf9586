from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.workers.stand_ins import stand_ins

NUMBERS = st.lists(st.integers(1, 256), unique=True)


@given(NUMBERS, st.data())
def test_everybody_who_is_away_has_one_stand_in_and_nobody_has_many(numbers: list[int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(numbers)))
    there, away = numbers[:cut], numbers[cut:]
    found = stand_ins(there, away)
    assert list(found) == there
    if there:
        assert sorted(number for duties in found.values() for number in duties) == sorted(away)
        assert max(map(len, found.values())) - min(map(len, found.values())) <= 1

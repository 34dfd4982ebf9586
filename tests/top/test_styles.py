"""States, and names that come from elsewhere."""

from __future__ import annotations

from typing import get_args

from proxy.core.statistics import BackendCondition
from proxy.top.styles import STATES, plain, state


def test_every_state_has_a_shape_of_its_own() -> None:
    assert set(STATES) == set(get_args(BackendCondition))
    assert len({shape for shape, _ in STATES.values()}) == len(STATES)


def test_a_state_of_another_version_is_shown() -> None:
    assert state("sleeping").plain == "✖ sleeping"


def test_names_are_neither_markup_nor_escape_sequences() -> None:
    assert plain("[red]\x1b[2J\r\x07").plain == "[red]?[2J??"

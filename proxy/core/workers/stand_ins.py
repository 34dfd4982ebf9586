"""Who does the work of those who are away."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def stand_ins(there: Sequence[int], away: Sequence[int]) -> dict[int, list[int]]:
    """For everybody who is there, for whom they stand in: one after the other, so that nobody gets two while another
    has none."""
    return {number: list(away[index :: len(there)]) for index, number in enumerate(there)}

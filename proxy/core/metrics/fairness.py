"""How evenly work is shared out, as one number."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def jain_index(shares: Sequence[float]) -> float:
    """1.0 when all are equal, 1/n when one of n has everything; 1.0 where there is nothing to share.

    Source: Jain, Chiu and Hawe, A quantitative measure of fairness, DEC TR-301, 1984.
    """
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 1.0

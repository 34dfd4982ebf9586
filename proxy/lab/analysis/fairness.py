"""How unevenly work fell on workers, and how unevenly it would have by chance alone; beside
`core.metrics.fairness.jain_index`."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def cv(shares: Sequence[float]) -> float:
    """The coefficient of variation: standard deviation over mean. 0 when all are equal, sqrt(n - 1) when one of n has
    everything; 0 where there is nothing to share. Of the workers themselves, all of whom are there, not of a sample.

    jain_index == 1 / (1 + cv**2).
    """
    if not sum(shares):
        return 0.0
    mean = sum(shares) / len(shares)
    return sqrt(sum((share - mean) ** 2 for share in shares) / len(shares)) / mean


def max_over_mean(shares: Sequence[float]) -> float:
    """What the busiest has, in units of the mean: 1 when all are equal, n when one of n has everything; 1 where there
    is nothing to share."""
    total = sum(shares)
    return max(shares) * len(shares) / total if total else 1.0


def chance_cv(workers: int, connections: int) -> float:
    """About the `cv` if every connection had gone to a worker at random, each as likely as the others: its root mean
    square, exact for any number of connections; 0 where there is nothing to share.

    A count is binomial, of variance k/n * (1 - 1/n) for k connections on n workers, and its mean is k/n.
    """
    return sqrt((workers - 1) / connections) if workers > 0 and connections > 0 else 0.0

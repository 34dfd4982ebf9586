"""Quantiles of histograms, and the part of one that came since another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.statistics import Histogram

if TYPE_CHECKING:
    from collections.abc import Sequence


def quantile(histogram: Histogram | None, share: float) -> float | None:
    """Seconds, by a straight line within the bucket; None when nothing was counted. share: 0.99.

    What is over the last bound is told as that bound. Source: Prometheus' histogram_quantile.
    """
    total = sum(histogram.counts) if histogram else 0
    if histogram is None or not total:
        return None
    left, low = share * total, 0.0
    for bound, count in zip(histogram.bounds, histogram.counts, strict=False):
        if count and left <= count:
            return low + (bound - low) * left / count
        left -= count
        low = bound
    return low


def since(older: Histogram | None, newer: Histogram) -> Histogram:
    """What was counted in between; all of `newer` when it does not go on from `older`."""
    if older is None or older.bounds != newer.bounds or older.count > newer.count:
        return newer
    counts = tuple(new - old for old, new in zip(older.counts, newer.counts, strict=True))
    return Histogram(bounds=newer.bounds, counts=counts, sum=newer.sum - older.sum, count=newer.count - older.count)


def together(histograms: Sequence[Histogram]) -> Histogram | None:
    """All of them as one; None for none. They have the same bounds, being told by one process."""
    if not histograms:
        return None
    return Histogram(
        bounds=histograms[0].bounds,
        counts=tuple(map(sum, zip(*(one.counts for one in histograms), strict=True))),
        sum=sum(one.sum for one in histograms),
        count=sum(one.count for one in histograms),
    )

"""Numbers for people, as the dashboard writes them: three digits or four, one unit for each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BARS = " ▁▂▃▄▅▆▇█"
UNKNOWN = "-"


def amount(value: float | None) -> str:
    """`9999`, `12k`, `1.3M`."""
    if value is None:
        return UNKNOWN
    if value >= 1e6:
        return f"{_digits(value / 1e6)}M"
    if value >= 1e4:
        return f"{_digits(value / 1e3)}k"
    return str(value) if isinstance(value, int) else _digits(value)


def rate(value: float | None) -> str:
    """Per second: what is seldom is not never."""
    return "<0.1" if value and value < 0.1 else amount(value)


def seconds(value: float | None) -> str:
    """`42us`, `2.3ms`, `12s`: the unit as the access log writes it."""
    if value is None:
        return UNKNOWN
    if value < 0.001:
        return f"{_digits(value * 1e6)}us"
    return f"{_digits(value * 1e3)}ms" if value < 1 else f"{_digits(value)}s"


def size(value: float | None) -> str:
    """Bytes: `5.2MiB`."""
    if value is None:
        return UNKNOWN
    for unit in ("B", "KiB", "MiB"):
        if value < 1000:
            return f"{_digits(value)}{unit}"
        value /= 1024
    return f"{_digits(value)}GiB"


def share(part: float, whole: float) -> str:
    """`25%`."""
    return f"{100 * part / whole:.0f}%" if whole else UNKNOWN


def age(value: float) -> str:
    """Seconds in their largest unit: `8s`, `5min`, `3h`, `12d`."""
    for limit, length, unit in ((60, 1, "s"), (3600, 60, "min"), (2 * 86400, 3600, "h")):
        if value < limit:
            return f"{max(0, int(value // length))}{unit}"
    return f"{int(value // 86400)}d"


def spark(points: Sequence[float], top: float, width: int) -> str:
    """The last `width` points as blocks, right-aligned. top: what fills a cell."""
    shown = points[-width:]
    highest = len(BARS) - 1
    bars = (BARS[min(highest, -int(-highest * point // top))] if top and point > 0 else BARS[0] for point in shown)
    return "".join(bars).rjust(width)


def bar(part: float, whole: float, width: int) -> str:
    """Whole cells, at least one for what is not nothing, padded to `width`."""
    cells = round(width * min(1.0, part / whole)) if whole else 0
    return ("█" * (max(1, cells) if part > 0 else 0)).ljust(width)


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 or value == 0 else f"{value:.1f}" if value >= 0.0995 else f"{value:.2f}"

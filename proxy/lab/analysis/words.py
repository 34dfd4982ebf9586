"""Figures as people read them: three digits and a unit."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.lab.figures import Unit

_SIZES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def time_text(seconds: float) -> str:
    if not isfinite(seconds):
        return "endless"
    if seconds >= 1:
        return f"{seconds:.3g} s" if seconds < 1000 else f"{seconds:.0f} s"
    if seconds == 0:
        return "0 s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} us"


def count_text(value: float) -> str:
    """With all its digits from 100 on, and none behind the point."""
    if not isfinite(value):
        return "endless"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def size_text(size: float) -> str:
    for unit, name in _SIZES:
        if size >= unit:
            return f"{size / unit:.3g} {name}" if size < 1000 * unit else f"{size / unit:.0f} {name}"
    return f"{size:.0f} B"


def value_text(value: float, unit: Unit) -> str:
    if unit == "seconds":
        return time_text(value)
    if unit == "bytes":
        return size_text(value)
    if unit == "per second":
        return f"{count_text(value)}/s"
    if unit in ("share", "ratio"):
        return f"{value:.3g}" if isfinite(value) else "endless"
    return count_text(value)

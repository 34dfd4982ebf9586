"""All of it, from the most urgent down: what does not fit a terminal is below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from proxy.top.overview import errors, events, frontends, head, workers
from proxy.top.pools import pools

if TYPE_CHECKING:
    from rich.console import RenderableType

    from proxy.core.statistics import Statistics
    from proxy.top.history import History


def screen(statistics: Statistics, history: History, width: int) -> Group:
    """Head and body, for a pipe. width: columns."""
    return Group(head(statistics, history), body(statistics, history, width))


def body(statistics: Statistics, history: History, width: int) -> Group:
    """width: columns of the terminal; below 80 many lines are folded."""
    parts: list[RenderableType] = list(pools(statistics, history, width))
    for part in (
        frontends(statistics, history), workers(statistics, history), errors(statistics, history), events(statistics)
    ):  # fmt: skip
        if part is not None:
            parts += [Text(), part]
    return Group(*parts)

"""`rproxy top` as a program: one look for a pipe, or a screen that lives until somebody quits."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import trio
from rich.console import Console
from rich.live import Live

from proxy.top import keys
from proxy.top.history import History
from proxy.top.overview import head
from proxy.top.screen import body, screen
from proxy.top.scrolled import Scrolled
from proxy.top.stream import Lost, listen

if TYPE_CHECKING:
    from proxy.core.address import Address
    from proxy.core.statistics import Statistics

AGAIN = 1.0  # seconds until a lost server is tried again
PIPE_WIDTH = 120  # columns where no terminal tells


def top(address: Address, *, once: bool) -> int:
    """The exit status: 0, or 1 when there was nobody to ask. once: as text, after two events, since rates need two."""
    console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH, highlight=False)
    failure = ""
    try:
        failure = trio.run(_once if once else _live, address, console)
    except* KeyboardInterrupt:
        pass
    if failure:
        sys.stderr.write(f"rproxy: {failure}\n")
    return 1 if failure else 0


async def _once(address: Address, console: Console) -> str:
    """What failed, or "" for nothing."""
    history = History()
    told: list[Statistics] = []

    def tell(statistics: Statistics) -> None:
        history.add(statistics)
        told.append(statistics)
        if len(told) == 2:
            scope.cancel()

    with trio.CancelScope() as scope:
        try:
            await listen(address, tell)
        except Lost as lost:
            return str(lost)
    console.print(screen(told[-1], history, console.width))
    return ""


async def _live(address: Address, console: Console) -> str:
    """Until somebody quits. What failed, when there was nobody from the first."""
    view = Scrolled()
    with Live(view, console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live:
        async with trio.open_nursery() as nursery:
            if sys.stdin.isatty():
                nursery.start_soon(_keys, view, live, nursery.cancel_scope)
            failure = await _follow(address, view, live)
            nursery.cancel_scope.cancel()
            return failure
    return ""  # cancelled


async def _follow(address: Address, view: Scrolled, live: Live) -> str:
    """Waits for rproxy to come back, as after a restart; but returns what failed when it was not there at first."""
    history = History()

    def tell(statistics: Statistics) -> None:
        history.add(statistics)
        view.head, view.content = head(statistics, history), body(statistics, history, live.console.width)
        view.message = ""
        live.refresh()

    while True:
        try:
            await listen(address, tell)
        except Lost as lost:
            if not view.content:
                return str(lost)
            view.message = f"{lost}; trying again"
            live.refresh()
        await trio.sleep(AGAIN)


async def _keys(view: Scrolled, live: Live, scope: trio.CancelScope) -> None:
    def press(key: str) -> None:
        if key == "quit":
            scope.cancel()
        view.press(key)
        live.refresh()

    with keys.single(sys.stdin.fileno()):
        await keys.listen(sys.stdin.fileno(), press)

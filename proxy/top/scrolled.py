"""A head that stays, a part of something higher than the terminal, and a foot: which part it is, what the keys do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.text import Text

from proxy.top.styles import BAD, QUIET

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

KEYS = "q quits  arrows, space, b, g, G scroll"


class Scrolled:
    """top: the first line shown, kept within what there is when drawn. message: told below instead of the keys."""

    def __init__(self) -> None:
        self.head: RenderableType = ""
        self.content: RenderableType = ""
        self.message = ""
        self.top = 0
        self._page = 1
        self._drawn: tuple[RenderableType, int, list[list[Segment]]] = ("", 0, [])

    def press(self, key: str) -> None:
        """What `proxy.top.keys` read. Unknown ones do nothing."""
        step = {"down": 1, "up": -1, "page-down": self._page, "page-up": -self._page, "home": -self.top}
        self.top = max(0, self.top + step.get(key, 0)) if key != "end" else 1_000_000

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        free = options.update(height=None)
        head, lines = console.render_lines(self.head, free), self._lines(console, free)
        self._page = max(1, (options.height or console.height) - len(head) - 1)
        self.top = max(0, min(self.top, len(lines) - self._page))
        shown = lines[self.top : self.top + self._page]
        for line in (*head, *shown):
            yield from line
            yield Segment.line()
        yield from (Segment.line() for _ in range(self._page - len(shown)))
        yield self._foot(len(lines))

    def _lines(self, console: Console, options: ConsoleOptions) -> list[list[Segment]]:
        """Drawn once for each content: 1,000 backends take 0.4 s, too long for each press of a key."""
        content, width, lines = self._drawn
        if content is not self.content or width != options.max_width:
            lines = console.render_lines(self.content, options)
            self._drawn = (self.content, options.max_width, lines)
        return lines

    def _foot(self, lines: int) -> Text:
        if self.message:
            return Text(self.message, BAD, no_wrap=True, overflow="ellipsis", end="")
        where = f"lines {self.top + 1} to {min(lines, self.top + self._page)} of {lines}"
        told = KEYS if lines <= self._page else f"{where}  {KEYS}"
        return Text(told, QUIET, no_wrap=True, overflow="ellipsis", end="")

"""How states look: a shape and a word as well as a colour, so that nobody has to tell red from green."""

from __future__ import annotations

from rich.text import Text

STATES = {
    "ready": ("●", "green"),
    "full": ("■", "yellow"),
    "unhealthy": ("✖", "bold red"),
    "ejected": ("▲", "bold red"),
    "draining": ("▽", "blue"),
    "disabled": ("=", "dim"),
    "starting": ("○", "cyan"),
}
BAD = "bold red"
QUIET = "dim"


def plain(text: str, style: str = "") -> Text:
    """What somebody else named: no markup of rich's, and no escape sequence for the terminal."""
    return Text("".join(char if char.isprintable() else "?" for char in text), style=style)


def state(name: str) -> Text:
    """Of a backend, a member or a worker."""
    shape, style = STATES.get(name, ("✖", BAD))
    return plain(f"{shape} {name}", style)

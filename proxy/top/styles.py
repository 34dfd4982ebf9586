"""How states look: a shape and a word as well as a colour, so that nobody has to tell red from green."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from proxy.core.statistics import BackendStatistics, Statistics

STATES = {
    "ready": ("●", "green"),
    "full": ("■", "yellow"),
    "unhealthy": ("✖", "bold red"),
    "ejected": ("▲", "bold red"),
    "draining": ("▽", "blue"),
    "disabled": ("=", "dim"),
    "starting": ("○", "cyan"),
}
SERVING = {"ready", "full"}
ASKED_FOR = {"draining", "disabled"}  # by an operator, who needs not be told again
BAD = "bold red"
QUIET = "dim"


def plain(text: str, style: str = "") -> Text:
    """What somebody else named: no markup of rich's, and no escape sequence for the terminal."""
    return Text("".join(char if char.isprintable() else "?" for char in text), style=style)


def state(name: str) -> Text:
    shape, style = STATES.get(name, ("?", BAD))
    return plain(f"{shape} {name}", style)


def is_in_trouble(backend: BackendStatistics) -> bool:
    """Takes no work, and nobody has asked for that."""
    return backend.state not in SERVING | ASKED_FOR


def verdict(statistics: Statistics) -> Text:
    """`12 of 13 backends take work`; or, worse, which pools nobody serves."""
    backends = [backend for pool in statistics.pools for backend in pool.backends]
    serving = sum(backend.state in SERVING for backend in backends)
    dead = [pool.name for pool in statistics.pools if not any(one.state in SERVING for one in pool.backends)]
    if dead:
        return plain(f"▲ nothing serves {', '.join(dead)}", BAD)
    if any(map(is_in_trouble, backends)):
        return plain(f"■ {serving} of {len(backends)} backends take work", "bold yellow")
    return plain(f"● {serving} of {len(backends)} backends take work", "green")

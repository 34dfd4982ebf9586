"""A story that was listened to for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from rich.console import Console

from proxy.top.history import History
from tests.serve.admin.story import Story

if TYPE_CHECKING:
    from rich.console import RenderableType

    from proxy.core.statistics import Statistics


class Heard(NamedTuple):
    last: Statistics
    history: History


@pytest.fixture(scope="session")
def heard() -> Heard:
    return listened(Story())


def listened(story: Story, seconds: int = 30) -> Heard:
    history = History()
    for _ in range(seconds):
        history.add(told := story.tell())
    return Heard(told, history)


def drawn(content: RenderableType, width: int = 120, height: int = 30, *, terminal: bool = False) -> str:
    """As a pipe would get it, or with the colours of a terminal."""
    console = Console(
        width=width, height=height, force_terminal=terminal, color_system="standard" if terminal else None
    )
    with console.capture() as capture:
        console.print(content)
    return capture.get()

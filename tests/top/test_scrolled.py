"""A window on more lines than fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from proxy.top.scrolled import Scrolled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import ConsoleOptions


def shown(view: Scrolled, height: int = 8, width: int = 80) -> list[str]:
    console = Console(width=width, height=height, force_terminal=False)
    with console.capture() as capture:
        console.print(view)
    return capture.get().splitlines()


@pytest.fixture
def view() -> Scrolled:
    view = Scrolled()
    view.head = "head"
    view.content = "\n".join(f"line {number}" for number in range(20))
    return view


def after(view: Scrolled, *keys: str) -> list[str]:
    """The lines between head and foot."""
    shown(view)
    for key in keys:
        view.press(key)
    return shown(view)[1:-1]


def test_head_part_and_foot_fill_the_height(view: Scrolled) -> None:
    lines = shown(view)
    assert len(lines) == 8
    assert lines[0].strip() == "head"
    assert [line.strip() for line in lines[1:7]] == [f"line {number}" for number in range(6)]
    assert lines[7].startswith("lines 1 to 6 of 20  q quits")


@pytest.mark.parametrize(
    ("keys", "first"),
    [
        (["down"], 1),
        (["down", "down", "up"], 1),
        (["up"], 0),
        (["page-down"], 6),
        (["page-down", "page-up"], 0),
        (["end"], 14),
        (["end", "down"], 14),
        (["end", "home"], 0),
        (["other"], 0),
    ],
)
def test_keys(view: Scrolled, keys: list[str], first: int) -> None:
    assert after(view, *keys)[0].strip() == f"line {first}"


def test_it_stays_at_the_end_when_there_is_less(view: Scrolled) -> None:
    after(view, "end")
    view.content = "one\ntwo"
    lines = shown(view)
    assert [line.strip() for line in lines[1:3]] == ["one", "two"]
    assert len(lines) == 8
    assert lines[-1].startswith("q quits")


def test_a_message_stands_in_place_of_the_keys(view: Scrolled) -> None:
    view.message = "nothing answers"
    assert shown(view)[-1].startswith("nothing answers")


def test_a_terminal_of_few_lines(view: Scrolled) -> None:
    assert len(shown(view, height=2)) == 3  # one line of content at least


def test_what_did_not_change_is_not_drawn_again(view: Scrolled) -> None:
    class Counting:
        drawn = 0

        def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[str]:
            self.drawn += 1
            yield "\n" * 20

    view.content = counting = Counting()
    after(view, "down", "down")
    assert counting.drawn == 1
    shown(view, width=70)
    assert counting.drawn == 2

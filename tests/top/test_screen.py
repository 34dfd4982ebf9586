"""All parts together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from proxy.top.history import History
from proxy.top.screen import body, screen
from tests.top.conftest import drawn

if TYPE_CHECKING:
    from tests.top.conftest import Heard


def test_the_most_urgent_comes_first(heard: Heard) -> None:
    text = drawn(screen(*heard, 120))
    parts = ["backends take work", "▲ ejected", "\nfrontend ", "\nworker ", "\nerror ", "ago  event"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_colours_in_a_terminal_only(heard: Heard) -> None:
    assert "\x1b[" not in drawn(screen(*heard, 120))
    assert "\x1b[" in drawn(screen(*heard, 120), terminal=True)


def test_an_rproxy_that_has_done_nothing_yet(heard: Heard) -> None:
    empty = replace(heard.last, frontends=(), pools=(), workers=(), events=())
    assert "0 of 0 backends take work" in drawn(screen(empty, History(), 80))
    assert "ago" not in drawn(body(empty, History(), 80))

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.config import Reload
from proxy.serve.reload.file_watch import EVERY, watch_file
from tests.serve.reload.support import FIRST, config, make

if TYPE_CHECKING:
    from pathlib import Path

    from trio.testing import MockClock


class Watched:
    """reloads: how often the file was read again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reloads = 0
        self.controller = make(replace(config(FIRST), reload=Reload(watch=True)))
        self.controller.config_file = str(path)

    async def reload(self) -> None:
        self.reloads += 1

    async def after(self, looks: int) -> int:
        await trio.sleep(looks * EVERY)
        return self.reloads


@pytest.fixture
async def watched(tmp_path: Path, nursery: trio.Nursery) -> Watched:
    path = tmp_path / "lb.toml"
    path.write_text("one")
    found = Watched(path)
    nursery.start_soon(watch_file, found.controller, found.reload)
    await trio.sleep(EVERY / 2)
    return found


async def test_changed_file_is_read_once_it_stays_as_it_is(watched: Watched, autojump_clock: MockClock) -> None:
    assert await watched.after(5) == 0
    watched.path.write_text("two, the first half")
    assert await watched.after(1) == 0
    watched.path.write_text("two, the first half and the second")
    assert await watched.after(1) == 0
    assert await watched.after(1) == 1
    assert await watched.after(5) == 1


async def test_replaced_file_is_another_one(watched: Watched, autojump_clock: MockClock) -> None:
    new = watched.path.with_name("new.toml")
    new.write_text("two")
    new.rename(watched.path)
    assert await watched.after(2) == 1


async def test_file_that_is_gone_for_a_while_is_read_when_it_is_back(
    watched: Watched, autojump_clock: MockClock
) -> None:
    watched.path.unlink()
    assert await watched.after(5) == 0
    watched.path.write_text("again")
    assert await watched.after(2) == 1


async def test_nobody_looks_who_was_not_asked_to(watched: Watched, autojump_clock: MockClock) -> None:
    watched.controller.config = replace(watched.controller.config, reload=Reload())
    watched.path.write_text("two")
    assert await watched.after(5) == 0

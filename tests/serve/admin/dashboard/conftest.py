"""One browser for all tests of the page, and a player of a story for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import started
from tests.serve.admin.dashboard.looking import opened
from tests.serve.admin.dashboard.play import Player, playing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with started(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture
def player() -> Iterator[Player]:
    with playing(Player(pace=0.1, first=20)) as found:
        yield found


@pytest.fixture
def page(player: Player, browser: Chrome) -> Chrome:
    return opened(player.address, browser)

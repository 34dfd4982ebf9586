"""The page in a real browser, told a story: what it shows, that it lives, what its buttons send, what it never runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.processes import wait_until
from tests.serve.admin.dashboard.looking import (
    backend_row,
    complaints,
    opened,
    press,
    text,
    texts,
    unlock,
    wait_live,
)
from tests.serve.admin.dashboard.play import Player, playing
from tests.serve.admin.story import Story

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = pytest.mark.slow

HOSTILE = "</script><img src=x onerror=\"document.title='ran'\">"


def test_all_of_it_is_shown(page: Chrome) -> None:
    assert text(page, "#verdict h2").startswith("8 of 13 backends take work")
    assert len(texts(page, ".pool")) == 4
    assert len(texts(page, ".row[data-address]")) == 13
    assert len(texts(page, ".row .member")) == 4
    assert len(texts(page, "#workers .member")) == 4
    assert texts(page, "#frontends h3")[0].startswith("web")
    assert "worker 2: killed by SIGKILL" in text(page, "#events")
    assert "write/client-gone" in text(page, "#errors")
    assert not complaints(page)


def test_why_a_backend_takes_no_work_stands_at_the_top_and_in_its_row(page: Chrome) -> None:
    why = "5 answers in a row were 502"
    assert "ejected" in text(page, "#verdict")
    assert why in text(page, "#verdict")
    assert "ejected" in text(page, f"{backend_row('127.0.0.1:9104')} .state")
    assert why in text(page, f"{backend_row('127.0.0.1:9104')} .who")
    assert page.title == "(4) rproxy"
    assert "stuck\napp 127.0.0.1:9103\nmember 4, pid 41304" in text(page, "#verdict")


def test_what_an_operator_asked_for_is_no_trouble(page: Chrome) -> None:
    assert "reports-3" not in text(page, "#verdict")
    assert "2 drained or disabled by an operator" in text(page, "#verdict")


def test_it_lives(page: Chrome) -> None:
    seen = {text(page, "#tiles .tile strong")}
    wait_until(lambda: len(seen.add(text(page, "#tiles .tile strong")) or seen) > 3)
    assert page.execute_script("return document.querySelector('.row .spark .line').getAttribute('d').length") > 20


def test_a_broken_connection_is_told_and_mended(browser: Chrome) -> None:
    with playing(Player(pace=0.1)) as player:
        page = opened(player.address, browser)
    wait_until(lambda: "nothing heard" in text(page, "#link"))
    with playing(Player(player.server_port, pace=0.1)):
        wait_live(page)


def test_names_are_never_run(browser: Chrome) -> None:
    with playing(Player(story=Story(hostile=HOSTILE), pace=0.1)) as player:
        page = opened(player.address, browser)
        assert HOSTILE in text(page, ".pool h2")
        assert HOSTILE in text(page, ".row .who strong")
        assert HOSTILE in text(page, "#about")
        assert HOSTILE in text(page, "#events li")
        assert page.execute_script("return document.images.length") == 0
        assert "ran" not in page.title
        assert not complaints(page)


def test_the_policy_lets_no_script_of_elsewhere_run(page: Chrome) -> None:
    page.execute_script("""
        const script = document.createElement("script");
        try { script.textContent = "document.title = 'ran'" } catch { return }
        document.body.append(script);
    """)
    assert page.title != "ran"


def test_buttons_are_for_those_with_a_token(player: Player, page: Chrome) -> None:
    assert not any(texts(page, ".controls"))
    unlock(page, "secret")
    press(page, backend_row("127.0.0.1:9102"), "Drain")
    wait_until(lambda: bool(player.posted))
    body = {"pool": "app", "backend": "127.0.0.1:9102"}
    assert player.posted == [("/api/backends/drain", "Bearer secret", body)]
    wait_until(lambda: "127.0.0.1:9102: drains" in text(page, "#notices"))


def test_a_wrong_token_is_told_and_forgotten(player: Player, page: Chrome) -> None:
    unlock(page, "wrong")
    press(page, backend_row("reports-1.internal:8443"), "Enable")
    wait_until(lambda: "not that token" in text(page, "#notices"))
    assert not any(texts(page, ".controls"))


def test_the_last_one_is_not_drained_unasked(player: Player, page: Chrome) -> None:
    unlock(page, "secret")
    press(page, backend_row("reports-2.internal:8443"), "Drain")
    assert "only ready backend of reports" in text(page, "#question")
    press(page, "#question", "Cancel")
    assert not player.posted


def test_a_weight_is_set(player: Player, page: Chrome) -> None:
    unlock(page, "secret")
    press(page, backend_row("127.0.0.1:9103"), "Weight")
    assert page.execute_script("return document.querySelector('#question input').value") == "4"
    page.execute_script("document.querySelector('#question input').value = '2'")
    press(page, "#question", "Set")
    wait_until(lambda: bool(player.posted))
    assert player.posted[0][2] == {"pool": "app", "backend": "127.0.0.1:9103", "weight": 2}


def test_many_backends_can_be_filtered(browser: Chrome) -> None:
    with playing(Player(story=Story(more=40), pace=0.1)) as player:
        page = opened(player.address, browser)
        many = ".pool:last-child .row[data-address]"
        assert len(texts(page, many)) == 40
        assert len([one for one in page.find_elements("css selector", ".pool input") if one.is_displayed()]) == 1
        page.find_element("css selector", ".pool:last-child input").send_keys("10.1.0.7")
        wait_until(lambda: len(texts(page, many)) == 1)


@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits(page: Chrome, width: int) -> None:
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

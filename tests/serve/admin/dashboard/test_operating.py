"""A real rproxy, its dashboard in a real browser: what happens to backends is seen, and buttons change what happens."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.clients.support import Rproxy, running, short_directory
from tests.processes import free_port, request, wait_until
from tests.serve.admin.dashboard.looking import (
    backend_row,
    complaints,
    opened,
    press,
    text,
    texts,
    unlock,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

    from tests.conftest import Figures

pytestmark = pytest.mark.slow

TOKEN = "a-token-of-twenty-one"
HELLO = "python -m backends.hello --listen {address} --name"
FAILING = "python -m backends.misbehave --listen {address} --fault close-after-request"
CONFIG = """
[admin]
listen = "127.0.0.1:{admin}"
token = "{token}"

[frontends.web]
listen = "127.0.0.1:0"
pool = "app"

[pools.app]
balance = "round-robin"
backends = [
    {{ address = "unix:{directory}/1.sock", command = "{hello} one" }},
    {{ address = "unix:{directory}/2.sock", command = "{hello} two" }},
    {{ address = "unix:{directory}/3.sock", command = "{failing}" }},
]
ejection.first_time = "5m"
"""


@pytest.fixture(scope="module")
def rproxy() -> Iterator[Rproxy]:
    with short_directory() as directory:
        admin = free_port()
        config = CONFIG.format(directory=directory, admin=admin, token=TOKEN, hello=HELLO, failing=FAILING)
        with running(config) as found:
            found.addresses["admin"] = [f"127.0.0.1:{admin}"]
            found.addresses["app"] = [f"unix:{directory}/{number}.sock" for number in (1, 2, 3)]
            yield found


@pytest.fixture
def page(rproxy: Rproxy, browser: Chrome) -> Chrome:
    return opened(rproxy.addresses["admin"][0], browser)


def ask(rproxy: Rproxy, times: int = 10) -> Counter[str]:
    """Who answered."""
    answers = [request(rproxy.address) for _ in range(times)]
    assert {answer.status for answer in answers} == {200}
    return Counter("one" if b'"one"' in answer.body else "two" for answer in answers)


def test_a_backend_that_fails_is_shown_ejected_with_why(rproxy: Rproxy, page: Chrome) -> None:
    failing = backend_row(rproxy.addresses["app"][2])
    ask(rproxy, 30)
    wait_until(lambda: "ejected" in text(page, f"{failing} .state"))
    assert "2 of 3 backends take work" in text(page, "#verdict h2")
    assert "ejected" in text(page, "#verdict li")
    assert len(text(page, f"{failing} .why")) > 10
    wait_until(lambda: any("ejected" in line for line in texts(page, "#events li")))
    assert not complaints(page)


def test_what_is_asked_is_counted(rproxy: Rproxy, page: Chrome) -> None:
    ask(rproxy)
    wait_until(lambda: text(page, "#tiles .tile strong") not in ("0", "\N{EN DASH}"))
    assert texts(page, "#frontends h3") == [f"web http {rproxy.address}"]
    assert not complaints(page)


def test_drained_and_taken_back(rproxy: Rproxy, page: Chrome, figures: Figures) -> None:
    one = backend_row(rproxy.addresses["app"][0])
    unlock(page, TOKEN)
    pressed = time.monotonic()
    press(page, one, "Drain")
    wait_until(lambda: "draining" in text(page, f"{one} .state"))
    figures(f"dashboard: a backend is shown draining {time.monotonic() - pressed:.2f} s after the button was pressed")
    assert set(ask(rproxy)) == {"two"}
    press(page, one, "Enable")
    wait_until(lambda: "ready" in text(page, f"{one} .state"))
    assert ask(rproxy) == {"one": 5, "two": 5}


def test_a_weight(rproxy: Rproxy, page: Chrome) -> None:
    one = backend_row(rproxy.addresses["app"][0])
    unlock(page, TOKEN)
    press(page, one, "Weight")
    page.execute_script("document.querySelector('#question input').value = '4'")
    press(page, "#question", "Set")
    wait_until(lambda: text(page, f"{one} .weight").startswith("4"))
    assert ask(rproxy) == {"one": 8, "two": 2}


def test_a_wrong_token_changes_nothing(rproxy: Rproxy, page: Chrome) -> None:
    unlock(page, "wrong")
    press(page, backend_row(rproxy.addresses["app"][1]), "Drain")
    wait_until(lambda: bool(texts(page, "#notices .bad")))
    assert not any(texts(page, ".controls"))
    assert "two" in ask(rproxy)


def test_a_reload_tells_what_changed_or_what_is_wrong(rproxy: Rproxy, page: Chrome) -> None:
    path = rproxy.directory / "lb.toml"
    good = path.read_text()
    unlock(page, TOKEN)
    path.write_text(good.replace("round-robin", "round-robbing"))
    reload(page)
    wait_until(lambda: 'did you mean "round-robin"?' in text(page, "#notices .bad"))
    path.write_text(good.replace('one" }', 'one", max_connections = 7 }'))
    reload(page)
    wait_until(lambda: "7" in text(page, "#notices .notice:last-child"))
    wait_until(lambda: "of 7" in text(page, f"{backend_row(rproxy.addresses['app'][0])} .slots"))
    assert "reloaded 1" in text(page, "#about")
    assert ask(rproxy).total() == 10


def reload(page: Chrome) -> None:
    press(page, "header", "Reload")
    press(page, "#question", "Reload")

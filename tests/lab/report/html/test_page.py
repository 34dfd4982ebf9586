"""The page in a real browser, which has no other file and no network for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from proxy.lab.report.html.page import to_html
from proxy.lab.results import Comparison, ScenarioResult
from tests.browser import started
from tests.lab.report.comparisons import compared, measured, result
from tests.serve.admin.dashboard.screenshots import dress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

WIDE = "return document.documentElement.scrollWidth"
FETCHED = "return performance.getEntriesByType('resource').map(entry => entry.name)"
COLOUR = "return getComputedStyle(document.body).backgroundColor"
BROKEN = "return [...document.querySelectorAll('svg *')].filter(one => /nan|inf|None/.test(one.outerHTML)).length"


def many() -> Comparison:
    long_name = measured("proxy-reuseport", "least-connections", 0.003, 5, 12000.0)
    slow = [result("slow", "direct", repetition=number, fast_p99=0.012) for number in range(3)]
    cannot = ScenarioResult("scale", "direct", "", 0, {}, cannot="it is one process")
    return compared(*long_name, *slow, cannot, result("jobs", "socat-loop", "blind", lost=95.0))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with started(tmp_path_factory.mktemp("browser"), "--hide-scrollbars") as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "colour"), [("light", "rgb(244, 246, 249)"), ("dark", "rgb(14, 19, 25)")])
@pytest.mark.parametrize("width", [400, 1280])
def test_in_a_browser(tmp_path: Path, browser: Chrome, width: int, scheme: str, colour: str) -> None:
    (tmp_path / "report.html").write_text(to_html(many()))
    dress(browser, width, scheme)
    browser.get(f"file://{tmp_path}/report.html")
    assert browser.execute_script(WIDE) == width  # no wider than the screen: nothing is scrolled sideways
    assert browser.execute_script(COLOUR) == colour
    assert browser.execute_script(FETCHED) == []
    assert browser.execute_script(BROKEN) == 0
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    assert browser.title == "rproxy compare: backends.hello"


def test_nothing_is_fetched_and_nothing_runs() -> None:
    text = to_html(many())
    assert "http://" not in text
    assert "https://" not in text
    assert "<script" not in text
    assert "url(" not in text


def test_what_others_wrote_is_text() -> None:
    text = to_html(replace(many(), application="<script>alert(1)</script>"))
    assert "<script" not in text
    assert "started again by its &lt;supervisor&gt;" in text


def test_nothing_was_measured() -> None:
    text = to_html(replace(many(), results=(), finished=False))
    assert "No verdict" in text
    assert "The run was ended early" in text

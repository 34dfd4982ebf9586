"""The scripts of the dashboard that only compute, called in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.serve.admin.dashboard.play import Player, playing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

pytestmark = pytest.mark.slow

CALL = "const [path, name, args, done] = arguments; import(path).then(found => done(found[name](...args)), done)"
RATES = """
const [told, key, done] = arguments;
import("/dashboard/history.js").then(({ History }) => {
    const history = new History();
    told.forEach(one => history.add(one));
    done([history.series(key), history.rate(key)]);
}, done);
"""


@pytest.fixture(scope="module")
def page(browser: Chrome) -> Iterator[Chrome]:
    with playing(Player()) as player:
        browser.get(f"http://{player.address}/")
        yield browser


def call(browser: Chrome, path: str, name: str, *args: object) -> Any:
    return browser.execute_async_script(CALL, f"/dashboard/{path}", name, args)


def worker(now: float, exchanges: int, pid: int = 1) -> dict[str, Any]:
    return {"now": now, "pid": pid, "frontends": [], "pools": [], "workers": [{"number": 1, "exchanges": exchanges}]}


@pytest.mark.parametrize(
    ("told", "series", "rate"),
    [
        ([worker(0, 50)], [None], None),
        ([worker(0, 50), worker(2, 60)], [None, 5], 5),
        ([worker(0, 50), worker(1, 60), worker(2, 80)], [None, 10, 20], 15),
        ([worker(0, 50), worker(1, 60), worker(1, 60)], [None, 10], 10),
        ([worker(0, 50), worker(1, 20)], [None, None], None),
        ([worker(0, 50, pid=1), worker(1, 80, pid=2), worker(2, 81, pid=2)], [None, None, 1], 1),
    ],
    ids=["the first", "a gap", "a mean", "told again", "it went back", "another process"],
)
def test_rates(page: Chrome, told: list[dict[str, Any]], series: list[float | None], rate: float | None) -> None:
    assert page.execute_async_script(RATES, told, '["worker",1]/exchanges') == [series, rate]


def test_quantiles(page: Chrome) -> None:
    histogram = {"bounds": [1, 2, 4], "counts": [0, 10, 10, 0]}
    assert call(page, "quantiles.js", "quantile", histogram, 0.5) == 2
    assert call(page, "quantiles.js", "quantile", histogram, 0.75) == 3
    assert call(page, "quantiles.js", "quantile", {"bounds": [1], "counts": [0, 5]}, 0.5) == 1
    assert call(page, "quantiles.js", "quantile", {"bounds": [1], "counts": [0, 0]}, 0.5) is None


def test_fairness(page: Chrome) -> None:
    assert call(page, "views/workers.js", "jain", [5, 5, 5, 5]) == 1
    assert call(page, "views/workers.js", "jain", [8, 0, 0, 0]) == 0.25


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("count", 9999, "9999"),
        ("count", 12_345, "12k"),
        ("count", 1_250_000, "1.3M"),
        ("rate", 0.03, "<0.1"),
        ("rate", 12.34, "12"),
        ("rate", 0.5, "0.5"),
        ("seconds", 0.0000421, "42 µs"),
        ("seconds", 0.00234, "2.3 ms"),
        ("seconds", 12.3, "12 s"),
        ("seconds", None, "\N{EN DASH}"),
        ("bytes", 5_452_595, "5.2 MiB"),
        ("age", 59, "59 s"),
        ("age", 7_300, "2 h"),
        ("age", 200_000, "2 d"),
    ],
)
def test_numbers_for_people(page: Chrome, name: str, value: float | None, words: str) -> None:
    assert call(page, "format.js", name, value) == words.replace(" ", "\N{NO-BREAK SPACE}")

"""Looking at the dashboard, and pressing its buttons, as somebody in front of the browser would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.processes import wait_until

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


def opened(address: str, browser: Chrome) -> Chrome:
    """The page with no token in it, once it shows backends."""
    browser.get_log("browser")  # type: ignore[no-untyped-call] # what it holds is of another test
    browser.get(f"http://{address}/")
    browser.execute_script("sessionStorage.clear()")
    browser.refresh()
    wait_live(browser)
    return browser


def wait_live(browser: Chrome) -> None:
    wait_until(lambda: text(browser, "#link") == "live" and bool(text(browser, ".row .who")))


def text(browser: Chrome, selector: str) -> str:
    found: str = browser.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
    return found


def texts(browser: Chrome, selector: str) -> list[str]:
    """Of what can be seen."""
    script = (
        "return [...document.querySelectorAll(arguments[0])].filter(n => n.checkVisibility()).map(n => n.innerText)"
    )
    found: list[str] = browser.execute_script(script, selector)
    return found


def backend_row(address: str) -> str:
    return f'.row[data-address="{address}"]'


def press(browser: Chrome, selector: str, name: str) -> None:
    script = "[...document.querySelectorAll(arguments[0] + ' button')].find(b => b.innerText === arguments[1]).click()"
    browser.execute_script(script, selector, name)


def complaints(browser: Chrome) -> list[Any]:
    """What its console was told. A connection that ended is told there too."""
    return [entry for entry in browser.get_log("browser") if "ERR_" not in entry["message"]]  # type: ignore[no-untyped-call]


def unlock(browser: Chrome, token: str) -> None:
    press(browser, "header", "Unlock")
    browser.execute_script("document.querySelector('#question input').value = arguments[0]", token)
    press(browser, "#question", "Unlock")
    wait_until(lambda: any(texts(browser, ".controls")))

"""A real browser, headless Chromium driven by Selenium, that talks to this machine only."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tests.clients.support import module, program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

OPTIONS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--disable-default-apps", "--no-proxy-server", "--ignore-certificate-errors",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip


@contextlib.contextmanager
def started(directory: Path, *more: str) -> Iterator[Chrome]:
    """directory: for its profile. The test is skipped where there is no Chromium or no Selenium."""
    module("selenium")
    chromium, driver = program("chromium"), program("chromedriver", "chromium-driver")
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    options = ChromeOptions()
    options.binary_location = chromium
    for option in (*OPTIONS, f"--user-data-dir={directory}", *more):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = Chrome(options, ChromeService(driver))
    try:
        found.set_page_load_timeout(30)
        found.set_script_timeout(30)
        yield found
    finally:
        found.quit()

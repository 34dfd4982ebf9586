"""Pictures of the dashboard to look at after a change: `python -m tests.serve.admin.dashboard.screenshots DIRECTORY`.

A story of two minutes, wide and narrow, light and dark, for those who look and for those who may change something.
"""

from __future__ import annotations

import base64
import itertools
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser import started
from tests.processes import wait_until
from tests.serve.admin.dashboard.looking import opened, text, unlock
from tests.serve.admin.dashboard.play import Player, playing

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

WIDTHS = {"laptop": 1280, "phone": 390}
SCHEMES = ("light", "dark")
TALLEST = 1600  # pixels of a picture, so that it can be looked at without being scaled down


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as profile,
        started(Path(profile), "--hide-scrollbars") as browser,
        playing(Player(first=120)) as player,
    ):
        for (device, width), scheme, token in itertools.product(WIDTHS.items(), SCHEMES, ("", "secret")):
            dress(browser, width, scheme)
            opened(player.address, browser)
            if token:
                unlock(browser, token)
            wait_until(lambda: text(browser, "#tiles .tile strong") not in ("", "0"))
            take(browser, width, str(directory / "-".join(filter(None, (device, scheme, token and "unlocked")))))


def dress(browser: Chrome, width: int, scheme: str) -> None:
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)


def take(browser: Chrome, width: int, stem: str) -> None:
    height = browser.execute_script("return document.documentElement.scrollHeight")
    for number, top in enumerate(range(0, height, TALLEST), 1):
        clip = {"x": 0, "y": top, "width": width, "height": min(TALLEST, height - top), "scale": 1}
        options = {"captureBeyondViewport": True, "clip": clip}
        picture = browser.execute_cdp_cmd("Page.captureScreenshot", options)["data"]
        Path(f"{stem}-{number}.png").write_bytes(base64.b64decode(picture))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

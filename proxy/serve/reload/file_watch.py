"""`[reload] watch`: the configuration file is read again when it changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from proxy.serve.control.controller import Controller

EVERY = 0.5  # seconds between looks; one costs 2 us

Stamp = tuple[int, ...]


async def watch_file(controller: Controller, reload: Callable[[], Awaitable[None]]) -> None:
    """Until cancelled. A file is read once it looks the same twice: editors write some in pieces."""
    known = before = _stamp_of(controller.config_file)
    while True:
        await trio.sleep(EVERY)
        if not controller.config.reload.watch:
            continue
        now = _stamp_of(controller.config_file)
        if now == before and now != known and now is not None:
            known = now
            await reload()
        before = now


def _stamp_of(path: str) -> Stamp | None:
    """The file behind the name, which editors and deployments replace; None while there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_dev, status.st_ino, status.st_size

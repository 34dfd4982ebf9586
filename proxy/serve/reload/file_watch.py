"""`[reload] watch`: the configuration file is read again when it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from proxy.serve.machine.file_stamp import stamp_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from proxy.serve.control.controller import Controller

EVERY = 0.5  # seconds between looks


async def watch_file(controller: Controller, reload: Callable[[], Awaitable[None]]) -> None:
    """Until cancelled. A file is read once it looks the same twice: editors write some in pieces."""
    known = before = stamp_of(controller.config_file)
    while True:
        await trio.sleep(EVERY)
        if not controller.config.reload.watch:
            continue
        now = stamp_of(controller.config_file)
        if now == before and now != known and now is not None:
            known = now
            await reload()
        before = now

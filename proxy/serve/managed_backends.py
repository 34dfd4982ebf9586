"""Starts what the configuration names with `command`, and puts it into service when it takes connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from proxy.core.config import Config
    from proxy.engine.frontend import LivePool


async def run(
    config: Config, pools: dict[str, LivePool], *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    task_status.started()

"""Starts the backends that the configuration names with `command`, and puts each into service once it takes
connections."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import trio

from proxy.serve.backends.managed import ManagedSpec, supervise, wait_ready

if TYPE_CHECKING:
    from proxy.serve.controlled import Controlled
    from proxy.serve.controller import Controller

log = logging.getLogger("rproxy.managed")

START_PATIENCE = 10.0  # seconds that clients wait in the kernel's queue for slow backends before they are answered 503


async def run(controller: Controller, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Until cancelled, which ends every process. Started when all of them take connections, or patience is over."""
    managed = [backend for backend in controller.backends() if backend.settings.command]
    async with trio.open_nursery() as nursery:
        for backend in managed:
            controller.set_started(backend, is_started=False)
            settings = backend.settings
            spec = ManagedSpec(backend.pool.name, settings.address, settings.members, settings.command)
            await nursery.start(_supervise, spec)
        with trio.move_on_after(START_PATIENCE):
            async with trio.open_nursery() as waiting:
                for backend in managed:
                    waiting.start_soon(_wait_ready, controller, backend)
        for backend in managed:
            if not backend.is_started:
                log.warning("%s does not take connections after %g s; serving without it", backend.name, START_PATIENCE)
                nursery.start_soon(_wait_ready, controller, backend)
        task_status.started()


async def _supervise(spec: ManagedSpec, *, task_status: trio.TaskStatus[object]) -> None:
    await supervise(spec, on_output=_show, task_status=task_status)


async def _wait_ready(controller: Controller, backend: Controlled) -> None:
    await wait_ready(backend.settings.address, float("inf"))
    controller.set_started(backend, is_started=True)


def _show(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()

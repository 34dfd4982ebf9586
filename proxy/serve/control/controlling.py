"""What a controller does beside telling data planes: the tasks that feed it, and those that ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from proxy.serve.backends import health_checks, managed_backends, resolve
from proxy.serve.backends.managed_changes import ManagedChanges

if TYPE_CHECKING:
    from proxy.serve.control.controller import Controller
    from proxy.serve.inherited import Inherited
    from proxy.serve.listeners import Listeners


async def start_controlling(
    nursery: trio.Nursery, controller: Controller, listeners: Listeners, inherited: Inherited | None
) -> None:
    """Returns when managed backends take connections, or patience with them is over. The tasks run in `nursery`."""
    nursery.start_soon(resolve.keep_resolving, controller)
    await nursery.start(managed_backends.run, controller, inherited.lent if inherited else ())
    if controller.managed is not None:
        nursery.start_soon(ManagedChanges(controller, controller.managed).run)
    nursery.start_soon(health_checks.run, controller)
    if controller.config.admin is not None:
        await nursery.start(_serve_admin, controller, listeners)


async def _serve_admin(controller: Controller, listeners: Listeners, *, task_status: trio.TaskStatus[object]) -> None:
    from proxy.serve.admin import server as admin  # half a second, which only those pay who have it

    with trio.CancelScope() as scope:
        controller.stop_admin = scope.cancel
        await admin.run(controller, listeners, task_status=task_status)

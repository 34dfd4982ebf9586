"""Managed backends of the program that this one took over from: used while it runs them, then started anew by us."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

from proxy.serve.backends.managed_backends import START_PATIENCE
from proxy.serve.backends.managed_changes import CUT

if TYPE_CHECKING:
    from proxy.serve.backends.managed_backends import ManagedBackends
    from proxy.serve.control.controlled import Controlled
    from proxy.serve.control.controller import Controller
    from proxy.serve.upgrade.predecessor import Predecessor

log = logging.getLogger("rproxy.upgrade")

HOLD = 1.0  # seconds at most that work waits for the last request of its only backend, before it goes there after all
PAUSE = 2.0  # seconds until that is tried again


async def take_backends(predecessor: Predecessor, controller: Controller) -> None:
    """One after the other, once the predecessor's sessions are over."""
    with predecessor.taking:
        await _take_all(predecessor, controller)


async def _take_all(predecessor: Predecessor, controller: Controller) -> None:
    await predecessor.drained()
    for key in sorted(predecessor.lent):
        backend = controller.pools.get(key[0], {}).get(key[1])
        if backend is not None and backend.settings.command and controller.managed is not None:
            await _take(predecessor, controller, controller.managed, backend)
    log.info("process %d, before this one, is done", predecessor.pid)
    await predecessor.done()


async def _take(
    predecessor: Predecessor, controller: Controller, managed: ManagedBackends, backend: Controlled
) -> None:
    """Its pool's work goes to the others meanwhile, or waits in the queue when there is none."""
    await _empty(controller, backend)
    await predecessor.release(backend.key)
    await managed.start(backend)
    with trio.move_on_after(START_PATIENCE):
        await managed.wait_ready(backend.key)
    controller.end_process(backend, is_ending=False)


async def _empty(controller: Controller, backend: Controlled) -> None:
    """Returns when nobody uses it, and nobody may; tunnels and TCP sessions have the time that a drain has."""
    deadline = trio.current_time() + backend.pool.timeouts.drain + CUT
    while trio.current_time() < deadline:
        controller.end_process(backend, is_ending=True)
        patience = deadline - trio.current_time() if _has_others(controller, backend) else _hold(backend)
        if await controller.emptying.wait(backend.key, patience):
            return
        controller.end_process(backend, is_ending=False)
        await trio.sleep(PAUSE)
    controller.end_process(backend, is_ending=True)


def _hold(backend: Controlled) -> float:
    """Work must not wait so long for a tunnel to end that it is answered 503."""
    return min(HOLD, backend.pool.timeouts.queue / 4)


def _has_others(controller: Controller, backend: Controlled) -> bool:
    pool = controller.pools[backend.pool.name].values()
    return any(other.condition == "ready" for other in pool if other is not backend)

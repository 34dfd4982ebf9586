"""This program has a successor that serves: what is left is to finish, and to give away what it still holds."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Protocol

import trio

from proxy.serve.upgrade.successor import Successor, UpgradeError

if TYPE_CHECKING:
    from proxy.serve.control.controller import Controller
    from proxy.serve.listeners import Listeners
    from proxy.serve.systemd.manager import ServiceManager
    from proxy.serve.upgrade.predecessor import Predecessor

log = logging.getLogger("rproxy.upgrade")


class Running(Protocol):
    """What serves, in one process or in several."""

    @property
    def controller(self) -> Controller: ...
    @property
    def listeners(self) -> Listeners: ...
    async def drain(self, seconds: float) -> None: ...
    async def cut(self) -> None: ...


async def find_successor(running: Running, manager: ServiceManager) -> Successor:
    """Starts it, and returns when it serves. Raises UpgradeError when nothing came of it, and nothing has changed."""
    if os.getpid() == 1:
        raise UpgradeError("this is process 1, whose end is that of its container: start another container")
    controller = running.controller
    if controller.managed is not None and controller.managed.lent:
        raise UpgradeError("the program before this one has not given up all of its managed backends yet")
    lent = tuple(controller.managed.running) if controller.managed is not None else ()
    successor = Successor.start(running.listeners, manager.notifier, lent)
    log.info("upgrade: a new program starts, and takes over when it serves")
    await successor.wait_serving(controller.config.upgrade.start)
    return successor


async def hand_over(
    running: Running, successor: Successor, manager: ServiceManager, hurry: trio.Event, before: Predecessor | None
) -> None:
    """Returns when this program has nothing left, nor has the one before it, which takes our end for a word to hurry.

    hurry: sessions have only the time of `[shutdown]` from then on.
    """
    config = running.controller.config
    manager.hand_over_to(successor.pid)
    await successor.become_main()
    running.listeners.owns_paths = False
    running.controller.stop_admin()
    log.info("process %d serves; what runs here finishes within %g s", successor.pid, config.upgrade.drain)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_cut, running, config.shutdown.drain, hurry, before)
        is_attended = trio.Event()
        nursery.start_soon(_attend, running, successor, hurry, is_attended)
        await running.drain(config.upgrade.drain)
        await successor.drained()
        await is_attended.wait()
        if before is not None:
            before.taking.cancel()
            await before.done()
            await before.ended()
        nursery.cancel_scope.cancel()


async def _attend(running: Running, successor: Successor, hurry: trio.Event, is_attended: trio.Event) -> None:
    async def release(key: tuple[str, str]) -> None:
        if running.controller.managed is not None:
            await running.controller.managed.end(key)

    await successor.attend(release, hurry.set)
    is_attended.set()


async def _cut(running: Running, seconds: float, hurry: trio.Event, before: Predecessor | None) -> None:
    await hurry.wait()
    if before is not None:
        await before.ending()
    await trio.sleep(seconds)
    await running.cut()

"""Managed backends of the program that this one took over from: used while it runs them, then started anew by us."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.serve.controller import Controller
    from proxy.serve.upgrade.predecessor import Predecessor

log = logging.getLogger("rproxy.upgrade")


async def take_backends(predecessor: Predecessor, controller: Controller) -> None:
    """One after the other, once the predecessor's sessions are over."""
    await predecessor.drained()
    for key in sorted(predecessor.lent):
        backend = controller.pools.get(key[0], {}).get(key[1])
        if backend is not None and backend.settings.command and controller.managed is not None:
            await predecessor.release(key)
            await controller.managed.start(backend)
            await controller.managed.wait_ready(key)
    log.info("process %d, before this one, is done", predecessor.pid)
    await predecessor.done()

"""A task for each backend, for as long as the configuration has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from proxy.serve.control.controlled import Controlled
    from proxy.serve.control.controller import Controller

    Care = Callable[[Controller, Controlled], Awaitable[None]]


def _every(backend: Controlled) -> bool:
    return True


async def care_for_each(controller: Controller, care: Care, only: Callable[[Controlled], bool] = _every) -> None:
    """Until cancelled. care: runs for each backend for which `only` says so, and is cancelled when that one is gone; a
    backend that stays keeps its task over reloads. only: asked once for each."""
    scopes: dict[Controlled, trio.CancelScope] = {}

    async def run(backend: Controlled) -> None:
        with scopes[backend]:
            await care(controller, backend)

    async with trio.open_nursery() as nursery:
        while True:
            changed = controller.backends_changed
            there = dict.fromkeys(controller.backends())
            for backend in [backend for backend in scopes if backend not in there]:
                scopes.pop(backend).cancel()
            for backend in there:
                if backend not in scopes:
                    scopes[backend] = trio.CancelScope()
                    if only(backend):
                        nursery.start_soon(run, backend)
            await changed.wait()

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import trio
import trio.testing

from proxy.core.config import Config
from proxy.serve.backends.each import care_for_each
from tests.serve.reload.support import FIRST, SECOND, apply, config, make

if TYPE_CHECKING:
    from proxy.serve.control.controlled import Controlled
    from proxy.serve.control.controller import Controller


class Care:
    """cared: whose tasks run. begun: how often one was started."""

    def __init__(self) -> None:
        self.cared: set[str] = set()
        self.begun = 0

    async def __call__(self, controller: Controller, backend: Controlled) -> None:
        self.begun += 1
        self.cared.add(backend.name)
        try:
            await trio.sleep_forever()
        finally:
            self.cared.discard(backend.name)


async def test_each_backend_has_a_task_for_as_long_as_it_is_there() -> None:
    controller, care = make(config(FIRST)), Care()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(care_for_each, controller, care)
        for addresses, begun in (((FIRST,), 1), ((FIRST, SECOND), 2), ((SECOND,), 2), ((SECOND, FIRST), 3)):
            await apply(controller, config(*addresses))
            await trio.testing.wait_all_tasks_blocked()
            assert (care.cared, care.begun) == (set(addresses), begun)
        nursery.cancel_scope.cancel()


async def test_only_some() -> None:
    controller, care = make(config(FIRST, SECOND)), Care()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(care_for_each, controller, care, lambda backend: backend.name == SECOND)
        await trio.testing.wait_all_tasks_blocked()
        assert care.cared == {SECOND}
        nursery.cancel_scope.cancel()


async def test_other_settings_of_a_backend_are_no_other_backend() -> None:
    controller, care = make(config(FIRST)), Care()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(care_for_each, controller, care)
        await trio.testing.wait_all_tasks_blocked()
        pool = controller.config.pools["app"]
        heavier = replace(pool, backends=(replace(pool.backends[0], weight=7),))
        await apply(controller, Config(frontends=controller.config.frontends, pools={"app": heavier}))
        await trio.testing.wait_all_tasks_blocked()
        assert care.begun == 1
        nursery.cancel_scope.cancel()

"""One rproxy in this process, with its controller at hand."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from proxy.core.address import TcpAddress
from proxy.core.config import Backend, Config, Frontend, Pool
from proxy.serve import one_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from proxy.core.address import Address
    from proxy.serve.control.controlled import Controlled
    from proxy.serve.one_process import OneProcess


@asynccontextmanager
async def serving(*backends: Address | Backend, **settings: object) -> AsyncIterator[OneProcess]:
    """settings: of the pool, `app`."""
    each = tuple(one if isinstance(one, Backend) else Backend(address=one) for one in backends)
    pool = Pool(name="app", backends=each, **settings)  # type: ignore[arg-type] # settings of the test
    web = Frontend(name="web", listen=(TcpAddress("127.0.0.1", 0),), pool="app")
    async with trio.open_nursery() as nursery:
        yield await nursery.start(one_process.run, Config(frontends={"web": web}, pools={"app": pool}))
        nursery.cancel_scope.cancel()


def controlled(one: OneProcess, address: Address) -> Controlled:
    return one.controller.pools["app"][str(address)]


def texts(one: OneProcess) -> list[str]:
    """Of the state changes so far."""
    return [event.text for event in one.controller.events]


async def until(condition: Callable[[], bool], deadline: float = 10.0) -> None:
    with trio.fail_after(deadline):
        while not condition():  # noqa: ASYNC110 - a state in memory has no event
            await trio.sleep(0.005)

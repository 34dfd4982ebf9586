"""A running rproxy with [admin], and a client of that."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import trio

from proxy.core.config import Admin
from proxy.serve import one_process
from proxy.serve.metrics import TELL_EVERY
from tests.engine.support import LOCALHOST, all_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from proxy.core.address import Address
    from proxy.core.config import Config
    from proxy.serve.control.controller import Controller
    from proxy.serve.server import Server

DEADLINE = 20.0
TOKEN = "0123456789abcdef"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Operated(NamedTuple):
    controller: Controller
    server: Server
    http: httpx.AsyncClient


def with_admin(settings: Config, listen: Address = LOCALHOST, **admin: Any) -> Config:
    return replace(settings, admin=Admin(listen=listen, **{"token": TOKEN, **admin}))


@asynccontextmanager
async def operated(settings: Config) -> AsyncIterator[Operated]:
    """Serves until the block ends."""
    with trio.fail_after(DEADLINE):
        async with trio.open_nursery() as nursery:
            one = await nursery.start(one_process.run, settings)
            assert one.server.listeners.admin is not None
            async with http_client(one.server.listeners.admin.sock.getsockname()) as http:
                yield Operated(one.controller, one.server, http)
            await all_over(one.server)
            nursery.cancel_scope.cancel()


def http_client(name: Any) -> httpx.AsyncClient:
    """name: of the socket, as `getsockname` has it."""
    if isinstance(name, tuple):
        return httpx.AsyncClient(base_url=f"http://{name[0]}:{name[1]}", timeout=DEADLINE)
    return httpx.AsyncClient(base_url="http://admin", transport=httpx.AsyncHTTPTransport(uds=name), timeout=DEADLINE)


async def told(operated: Operated, is_there: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The statistics, once the data plane has told what is looked for; it does twice a second."""
    while True:
        found: dict[str, Any] = (await operated.http.get("/api/statistics")).json()
        if is_there(found):
            return found
        await trio.sleep(TELL_EVERY / 4)

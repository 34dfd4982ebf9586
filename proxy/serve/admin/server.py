"""Serves the admin API at its socket, for as long as rproxy runs: while it drains as well."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hypercorn.config import Config as HypercornConfig
from hypercorn.config import Sockets
from hypercorn.trio import serve

from proxy.serve.admin.api import make_app

if TYPE_CHECKING:
    import socket

    import trio

    from proxy.serve.controller import Controller
    from proxy.serve.listeners import Listeners

log = logging.getLogger("rproxy.admin")


class _OneSocket(HypercornConfig):
    """Hypercorn on a socket that is bound: before privileges were dropped, or by the rproxy before this one."""

    include_server_header = False
    errorlog = log
    graceful_timeout = 1.0  # for answers that run; an event stream never ends by itself

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._sock = sock

    def create_sockets(self) -> Sockets:
        return Sockets([], [self._sock], [])


async def run(controller: Controller, listeners: Listeners, *, task_status: trio.TaskStatus[object]) -> None:
    """Until cancelled. Closes the admin socket."""
    assert listeners.admin is not None
    try:
        await serve(make_app(controller), _OneSocket(listeners.admin.sock), task_status=task_status, mode="asgi")
    finally:
        listeners.close_admin()

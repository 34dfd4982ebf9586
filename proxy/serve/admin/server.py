"""Serves the admin API at its socket, for as long as rproxy runs: while it drains as well."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import trio
from hypercorn.config import Config as HypercornConfig
from hypercorn.config import Sockets
from hypercorn.trio import serve

from proxy.serve.admin.api import make_app

if TYPE_CHECKING:
    import socket

    from hypercorn.typing import Framework

    from proxy.serve.control.controller import Controller
    from proxy.serve.listeners import Listeners

log = logging.getLogger("rproxy.admin.http")
log.setLevel(logging.WARNING)  # the start table says where it listens, and Ctrl-C is not its own


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


async def run(
    controller: Controller, listeners: Listeners, *, task_status: trio.TaskStatus[object] = trio.TASK_STATUS_IGNORED
) -> None:
    """Until cancelled; then answers that run may take a second to end. Closes the admin socket.

    Raises OSError and ValueError when the token cannot be read.
    """
    assert listeners.admin is not None
    stop = trio.Event()
    serve_admin = partial(_serve, make_app(controller, stop), listeners.admin.sock, stop)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(serve_admin)
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                stop.set()
    finally:
        listeners.close_admin()


async def _serve(
    app: Framework, sock: socket.socket, stop: trio.Event, *, task_status: trio.TaskStatus[object]
) -> None:
    """Hypercorn ends by its trigger only: cancelled from outside it raises what it meets on the way."""
    with trio.CancelScope(shield=True):  # its graceful_timeout is the deadline
        await serve(app, _OneSocket(sock), shutdown_trigger=stop.wait, task_status=task_status, mode="asgi")

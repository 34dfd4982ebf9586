"""Controller and data plane in one process: `workers = 1`, and `nursery.start(serve, config)` in any Trio program."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, NamedTuple

import trio

from proxy.core.statistics import Life
from proxy.serve.control.controller import Controller
from proxy.serve.control.controlling import start_controlling
from proxy.serve.listeners import Listeners
from proxy.serve.machine import privileges
from proxy.serve.server import Server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.core.config import Config
    from proxy.core.reload.listening import ListenChange
    from proxy.core.reload.plan import Plan
    from proxy.serve.control.controller import Plane
    from proxy.serve.inherited import Inherited
    from proxy.serve.listeners import Bound
    from proxy.serve.orders import Order

log = logging.getLogger("rproxy")


class OneProcess(NamedTuple):
    controller: Controller
    server: Server

    @property
    def listeners(self) -> Listeners:
        return self.server.listeners

    def send(self, order: Order) -> None:
        self.server.send(order)

    async def moved(self) -> None:
        """Returns when clients are served for sure."""
        await self.server.moved()

    async def drain(self, seconds: float) -> None:
        """Stops accepting and lets what runs finish; cuts what is left after `seconds`."""
        log.info("stopping: %d sessions finish within %g s", self.server.active, seconds)
        self.controller.reloading.sockets = None
        if cut := await self.server.drain(seconds):
            log.warning("%d sessions did not finish, and were cut", cut)

    async def cut(self) -> None:
        """Ends every session now."""
        self.server.cut()


class OwnSockets:
    """Of the one data plane, which takes them over and closes what is gone."""

    def __init__(self, listeners: Listeners) -> None:
        self._listeners = listeners

    def open(self, change: ListenChange, config: Config) -> list[Bound]:
        return self._listeners.open_missing(change, config)

    def take(self, change: ListenChange, plan: Plan, opened: Sequence[Bound]) -> None:
        self._listeners.adjust(plan)

    def share(self, opened: Sequence[Bound], plane: Plane) -> list[Bound]:
        return list(opened)


async def serve(config: Config, *, task_status: trio.TaskStatus[Server] = trio.TASK_STATUS_IGNORED) -> None:
    """Serves `config` in this process until cancelled. `started` gives the Server, which tells the bound addresses and
    can drain.

    Raises ListenError, LogError, TlsFileError and PrivilegeError before `started`. Cancellation cuts every session;
    call `Server.drain` first to be kind.
    """
    await run(config, task_status=_ServerOnly(task_status))  # type: ignore[arg-type] # it is started with a value only


class _ServerOnly:
    """A TaskStatus[OneProcess]; a nursery in between would put errors in groups."""

    def __init__(self, status: trio.TaskStatus[Server]) -> None:
        self._status = status

    def started(self, value: OneProcess) -> None:
        self._status.started(value.server)


async def run(
    config: Config,
    inherited: Inherited | None = None,
    *,
    task_status: trio.TaskStatus[OneProcess] = trio.TASK_STATUS_IGNORED,
) -> None:
    """As `serve`, but `started` gives the controller too. inherited: sockets to use in place of new ones."""
    one = _make(config, inherited)
    one.controller.greet(one.server)
    async with trio.open_nursery() as nursery:
        await nursery.start(one.server.run)
        await start_controlling(nursery, one.controller, one.listeners, inherited)
        one.server.accept()
        task_status.started(one)


def _check_imports(config: Config) -> None:
    """What serves the admin address imports parts of itself when they are first used. Raises PrivilegeError."""
    if config.admin is not None and not privileges.can_read_python():
        raise privileges.PrivilegeError(
            f"user {config.user} cannot read the Python that runs rproxy, which [admin] needs: install it where "
            "everybody can read it, or use several workers, whose supervisor stays root"
        )


def _make(config: Config, inherited: Inherited | None) -> OneProcess:
    """Everything that may need more rights than are kept afterwards."""
    listeners = Listeners.bind(config, inherited)
    try:
        controller = Controller(config)
        server = Server(config, listeners, controller.observed)
    except BaseException:
        listeners.close()
        listeners.close_admin()
        raise
    try:
        privileges.drop(config)
        _check_imports(config)
    except BaseException:
        server.close()
        listeners.close_admin()
        raise
    since = controller.started_at
    controller.addresses = lambda: listeners.addresses
    controller.reloading.sockets = OwnSockets(listeners)
    controller.lives = lambda: (Life(number=1, pid=os.getpid(), state="running", since=since, starts=1),)
    return OneProcess(controller, server)

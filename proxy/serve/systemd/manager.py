"""The service manager over the life of the program: what it gives us at the start, and what it hears until the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from proxy.serve.inherited import Inherited, offer
from proxy.serve.systemd.fd_store import FdStore, frontend_of
from proxy.serve.systemd.listen_fds import passed_sockets
from proxy.serve.systemd.notify import from_environment

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Iterable

    from proxy.core.reload.inherit import Offer
    from proxy.serve.control.controller import Controller
    from proxy.serve.listeners import Listeners
    from proxy.serve.systemd.listen_fds import Passed

_FEEDS = 3  # in the time that the watchdog allows: one may be late and one lost
_END = 10.0  # seconds that the end may take when all sessions are gone: managed backends and logs


class ServiceManager:
    """systemd, or nobody; then all of this does nothing."""

    def __init__(self, left: Iterable[tuple[Offer, socket.socket]] = (), lent: Iterable[tuple[str, str]] = ()) -> None:
        """Takes what is for us out of the environment. left: sockets of a program that we take over from; lent: managed
        backends that it still runs, by pool and name."""
        self.notifier = from_environment()
        passed = passed_sockets()
        offers = [*_offers(passed), *left]
        self._store = FdStore(self.notifier, ((offer.name, sock) for offer, sock in offers if offer.origin != "unit"))
        self.inherited = Inherited(offers, lent)

    def serving(self, listeners: Listeners, status: str) -> None:
        """At the start, when clients are served, and after each reload, good or bad."""
        self._store.keep(listeners)
        self.notifier.ready(status)

    async def follow(self, controller: Controller, listeners: Listeners) -> None:
        """Until cancelled: after each reload, whoever asked for it, the store has what is listened on."""
        while True:
            await controller.backends_changed.wait()
            self._store.keep(listeners)

    def stopping(self, seconds: float, status: str) -> None:
        """seconds: how long sessions may take. TimeoutStopSec= is extended by what it lacks."""
        self.notifier.stopping(seconds + _END, status)

    def hand_over_to(self, pid: int) -> None:
        """That process is the service from now on: the manager hears nothing more from this one."""
        self.notifier.main_pid(pid)
        self.notifier.address = None

    async def feed_watchdog(self, moved: Callable[[], Awaitable[None]]) -> None:
        """Until cancelled. moved: returns when the data plane has proven that it moves; while it does not return, the
        manager hears nothing, and restarts us in the end (WatchdogSec=)."""
        if not self.notifier.watchdog:
            return
        while True:
            await moved()
            self.notifier.alive()
            await trio.sleep(self.notifier.watchdog / _FEEDS)


def _offers(passed: Iterable[Passed]) -> Iterable[tuple[Offer, socket.socket]]:
    for one in passed:
        frontend = frontend_of(one.name)
        if frontend is None:
            yield offer(one.name, one.socket, "unit"), one.socket
        else:
            yield offer(frontend, one.socket, "store"), one.socket

"""What the program does with signals: reload, reopen files, upgrade, end kindly, end at once."""

from __future__ import annotations

import logging
import os
import signal
from typing import TYPE_CHECKING, Protocol

import trio

from proxy.serve.orders import ReopenFiles
from proxy.serve.reload.rehearsal import Refused
from proxy.serve.upgrade.hand_over import find_successor
from proxy.serve.upgrade.successor import Successor, UpgradeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proxy.serve.control.controller import Controller
    from proxy.serve.listeners import Listeners
    from proxy.serve.orders import Order
    from proxy.serve.systemd.manager import ServiceManager

log = logging.getLogger("rproxy")
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


class Running(Protocol):
    """What serves, in one process or in several."""

    @property
    def controller(self) -> Controller: ...
    @property
    def listeners(self) -> Listeners: ...
    def send(self, order: Order) -> None:
        """To all data planes."""

    async def moved(self) -> None:
        """Returns when clients are served for sure."""

    async def drain(self, seconds: float) -> None:
        """Stops accepting and lets what runs finish; cuts what is left after `seconds`."""

    async def cut(self) -> None:
        """Ends every session now."""


class Phase:
    """stop: set by the first signal that asks for a clean end, or by a successor that serves. The second signal, or one
    before anything is served, ends at once; what goes on beside a successor gets the time of a clean end first (hurry).

    SIGHUP is what makes most servers read their files again, SIGUSR1 what logrotate sends, SIGUSR2 nginx's upgrade.
    """

    def __init__(self, nursery: trio.Nursery, manager: ServiceManager) -> None:
        self.stop = trio.Event()
        self.hurry = trio.Event()
        self.running: Running | None = None
        self.successor: Successor | None = None
        self._nursery = nursery
        self._manager = manager
        self._has_terminal = has_terminal()
        self._is_reload_due = False
        self._attempt: trio.CancelScope | None = None  # to upgrade

    async def watch(self, signals: AsyncIterator[int]) -> None:
        async for number in signals:
            log.info("%s", signal.Signals(number).name)
            if number == signal.SIGUSR1:
                self._reopen_files()
            elif number == signal.SIGUSR2:
                self._begin_upgrade()
            elif number == signal.SIGHUP and not self._lost_terminal():
                self._reopen_files()
                self._begin_reload()
            else:
                await self._end()

    def _reopen_files(self) -> None:
        if self.running is not None:
            self.running.send(ReopenFiles())

    def _lost_terminal(self) -> bool:
        """Then SIGHUP has its oldest meaning: what runs in a terminal ends when that is closed."""
        return self._has_terminal and not has_terminal()

    async def _end(self) -> None:
        if self.running is not None and not self.stop.is_set():
            if self._attempt is not None:
                self._attempt.cancel()
            self.stop.set()
        elif self.successor is not None and not self.hurry.is_set():
            self.hurry.set()
        else:
            if self.running is not None:
                await self.running.cut()
            self._nursery.cancel_scope.cancel()

    def _begin_reload(self) -> None:
        if self.running is None:
            self._is_reload_due = True  # the file may have been read before it changed
        elif not self.stop.is_set():
            self._nursery.start_soon(self.reload)

    def started(self, running: Running) -> None:
        """Clients are served from here on."""
        self.running = running
        if self._is_reload_due:
            self._begin_reload()

    async def reload(self) -> None:
        """What comes of it is in the log, and in what the service manager shows."""
        running, manager = self.running, self._manager
        assert running is not None
        manager.notifier.reloading()
        try:
            problems = (await running.controller.reload()).problems
            is_bad = any(problem.severity == "error" for problem in problems)
        except Refused:
            is_bad = True
        manager.serving(running.listeners, "serving, but the last reload was refused" if is_bad else "serving")

    def _begin_upgrade(self) -> None:
        if self.running is None or self.stop.is_set() or self._attempt is not None:
            log.warning("no upgrade: this program is starting, ending, or being replaced already")
            return
        self._attempt = trio.CancelScope()
        self._nursery.start_soon(self._upgrade, self.running, self._attempt)

    async def _upgrade(self, running: Running, attempt: trio.CancelScope) -> None:
        with attempt:
            try:
                self.successor = await find_successor(running, self._manager)
            except UpgradeError as error:
                running.controller.note(logging.ERROR, f"no upgrade, process {os.getpid()} goes on: {error}")
            else:
                self.stop.set()
        self._attempt = None


def has_terminal() -> bool:
    """Whether this process has a controlling terminal (tty(4))."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True

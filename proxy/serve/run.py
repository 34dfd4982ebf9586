"""`rproxy --config`: serves until a signal says to stop, then finishes what runs."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Protocol

import trio

from proxy.core.config import LogStdout
from proxy.engine.tls.backend_tls import TlsFileError
from proxy.serve import one_process
from proxy.serve.backends.managed import ManagedError
from proxy.serve.file_watch import watch_file
from proxy.serve.listeners import ListenError
from proxy.serve.logs.access_log import LogError
from proxy.serve.orders import ReopenFiles
from proxy.serve.port_owner import explain
from proxy.serve.privileges import PrivilegeError
from proxy.serve.rehearsal import Refused
from proxy.serve.systemd.manager import ServiceManager
from proxy.serve.table import start_table
from proxy.serve.tls.certificates import CertificateError
from proxy.serve.tuning import raise_descriptor_limit, tune_garbage_collection
from proxy.serve.workers import supervisor
from proxy.serve.workers.supervised import WorkerError
from proxy.serve.workers.supervisor import worker_count

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proxy.core.config import Config
    from proxy.serve.controller import Controller
    from proxy.serve.listeners import Listeners
    from proxy.serve.orders import Order

log = logging.getLogger("rproxy")
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


class StartError(Exception):
    """Why nothing was started: one line."""


def run(config: Config, path: str) -> None:
    """Serves until SIGTERM or SIGINT. Raises StartError. path: of the file that SIGHUP reads again."""
    faulthandler.enable()  # systemd's watchdog ends what hangs with SIGABRT: the log says where it was
    raise_descriptor_limit()
    try:
        trio.run(_run, config, path, ServiceManager(), strict_exception_groups=True)
    except* ListenError as group:
        raise StartError("; ".join(explain(error) for error in _leaves(group))) from None
    except* (ManagedError, LogError, TlsFileError, CertificateError, PrivilegeError, WorkerError) as group:
        texts = dict.fromkeys(str(error) for error in _leaves(group))  # all workers may say the same
        raise StartError("; ".join(texts)) from None


async def _run(config: Config, path: str, manager: ServiceManager) -> None:
    with trio.open_signal_receiver(*SIGNALS) as signals:
        async with trio.open_nursery() as nursery:
            phase = _Phase(nursery, manager)
            nursery.start_soon(phase.watch, signals)
            start = one_process.run if worker_count(config) == 1 else supervisor.run
            running: Running = await nursery.start(start, config, manager.inherited)
            running.controller.config_file = path
            phase.running = running
            table = sys.stderr if _logs_to_stdout(config) else sys.stdout  # whoever reads the log reads lines of it
            table.write(start_table(config, running.listeners.addresses, running.listeners.admin_address))
            table.flush()
            if os.geteuid() == 0 and config.user is None:
                log.warning('running as root: user = "nobody", or another, gives that up once the listeners are bound')
            tune_garbage_collection()
            manager.serving(running.listeners, "serving")
            nursery.start_soon(manager.feed_watchdog, running.moved)
            nursery.start_soon(watch_file, running.controller, phase.reload)
            await phase.stop.wait()
            seconds = running.controller.config.shutdown.drain
            manager.stopping(seconds, "finishing what runs")
            await running.drain(seconds)
            nursery.cancel_scope.cancel()


def _logs_to_stdout(config: Config) -> bool:
    logs = (frontend.access_log for frontend in config.frontends.values())
    return any(log is not None and isinstance(log.to, LogStdout) for log in logs)


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


class _Phase:
    """The first signal asks for a clean end; the second, or one before anything is served, ends at once. SIGHUP is what
    makes most servers read their files again, and SIGUSR1 what logrotate sends."""

    def __init__(self, nursery: trio.Nursery, manager: ServiceManager) -> None:
        self.stop = trio.Event()
        self.running: Running | None = None
        self._nursery = nursery
        self._manager = manager
        self._has_terminal = has_terminal()

    async def watch(self, signals: AsyncIterator[int]) -> None:
        async for number in signals:
            log.info("%s", signal.Signals(number).name)
            if number == signal.SIGUSR1 or (number == signal.SIGHUP and not self._lost_terminal()):
                if self.running is not None:
                    self.running.send(ReopenFiles())
                    if number == signal.SIGHUP and not self.stop.is_set():
                        self._nursery.start_soon(self.reload)
                continue
            if self.running is None or self.stop.is_set():
                if self.running is not None:
                    await self.running.cut()
                self._nursery.cancel_scope.cancel()
            self.stop.set()

    def _lost_terminal(self) -> bool:
        """Then SIGHUP has its oldest meaning: what runs in a terminal ends when that is closed."""
        return self._has_terminal and not has_terminal()

    async def reload(self) -> None:
        """What comes of it is in the log."""
        running, manager = self.running, self._manager
        assert running is not None
        manager.notifier.reloading()
        try:
            await running.controller.reload()
        except Refused:
            pass
        manager.serving(running.listeners, "serving")


def has_terminal() -> bool:
    """Whether this process has a controlling terminal (tty(4))."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves

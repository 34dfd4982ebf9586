"""`rproxy --config`: serves until a signal says to stop, then finishes what runs."""

from __future__ import annotations

import errno
import faulthandler
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Protocol

import trio

from proxy.core.config import LogFile, LogStdout
from proxy.engine.tls.backend_tls import TlsFileError
from proxy.serve import one_process
from proxy.serve.backends.managed import ManagedError
from proxy.serve.listeners import ListenError
from proxy.serve.logs.access_log import LogError
from proxy.serve.orders import ReopenFiles
from proxy.serve.port_owner import owner_of
from proxy.serve.privileges import PrivilegeError
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
    from proxy.serve.listeners import Listeners
    from proxy.serve.orders import Order

log = logging.getLogger("rproxy")
REOPENING = (signal.SIGHUP, signal.SIGUSR1)  # what logrotate sends to nginx, and to most others


class StartError(Exception):
    """Why nothing was started: one line."""


def run(config: Config) -> None:
    """Serves until SIGTERM or SIGINT. Raises StartError."""
    faulthandler.enable()  # systemd's watchdog ends what hangs with SIGABRT: the log says where it was
    raise_descriptor_limit()
    try:
        trio.run(_run, config, ServiceManager(), strict_exception_groups=True)
    except* ListenError as group:
        raise StartError("; ".join(_explain(error) for error in _leaves(group))) from None
    except* (ManagedError, LogError, TlsFileError, CertificateError, PrivilegeError, WorkerError) as group:
        texts = dict.fromkeys(str(error) for error in _leaves(group))  # all workers may say the same
        raise StartError("; ".join(texts)) from None


async def _run(config: Config, manager: ServiceManager) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, *_reopening(config)) as signals:
        async with trio.open_nursery() as nursery:
            phase = _Phase(nursery.cancel_scope)
            nursery.start_soon(phase.watch, signals)
            start = one_process.run if worker_count(config) == 1 else supervisor.run
            running: Running = await nursery.start(start, config, manager.inherited)
            phase.running = running
            table = sys.stderr if _has_log(config, LogStdout) else sys.stdout  # whoever reads the log reads lines of it
            table.write(start_table(config, running.listeners.addresses, running.listeners.admin_address))
            table.flush()
            if os.geteuid() == 0 and config.user is None:
                log.warning('running as root: user = "nobody", or another, gives that up once the listeners are bound')
            tune_garbage_collection()
            manager.serving(running.listeners, "serving")
            nursery.start_soon(manager.feed_watchdog, running.moved)
            await phase.stop.wait()
            manager.stopping(config.shutdown.drain, "finishing what runs")
            await running.drain(config.shutdown.drain)
            nursery.cancel_scope.cancel()


def _reopening(config: Config) -> tuple[signal.Signals, ...]:
    """Without a file to open anew they keep their meaning: a terminal that goes away ends what runs in it."""
    has_files = _has_log(config, LogFile) or any(frontend.tls for frontend in config.frontends.values())
    return REOPENING if has_files else ()


def _has_log(config: Config, kind: type[LogFile | LogStdout]) -> bool:
    logs = (frontend.access_log for frontend in config.frontends.values())
    return any(log is not None and isinstance(log.to, kind) for log in logs)


class Running(Protocol):
    """What serves, in one process or in several."""

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
    """The first signal asks for a clean end; the second, or one before anything is served, ends at once."""

    def __init__(self, scope: trio.CancelScope) -> None:
        self.stop = trio.Event()
        self.running: Running | None = None
        self._scope = scope

    async def watch(self, signals: AsyncIterator[int]) -> None:
        async for number in signals:
            log.info("%s", signal.Signals(number).name)
            if number in REOPENING:
                if self.running is not None:
                    self.running.send(ReopenFiles())
                continue
            if self.running is None or self.stop.is_set():
                if self.running is not None:
                    await self.running.cut()
                self._scope.cancel()
            self.stop.set()


def _explain(error: BaseException) -> str:
    assert isinstance(error, ListenError)
    text = str(error)
    if error.error.errno == errno.EADDRINUSE and (owner := owner_of(error.address)):
        text += f", by {owner}"
    if error.error.errno == errno.EACCES:
        text += "; a port under 1024 needs root, CAP_NET_BIND_SERVICE or net.ipv4.ip_unprivileged_port_start"
    return text


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves

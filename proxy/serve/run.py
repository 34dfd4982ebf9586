"""`rproxy --config`: serves until a signal says to stop, then finishes what runs."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
from typing import TYPE_CHECKING

import trio

from proxy.core.config import LogStdout
from proxy.engine.tls.backend_tls import TlsFileError
from proxy.serve import one_process
from proxy.serve.backends.managed import ManagedError
from proxy.serve.listeners import ListenError
from proxy.serve.logs.access_log import LogError
from proxy.serve.machine.port_owner import explain
from proxy.serve.machine.privileges import PrivilegeError
from proxy.serve.machine.tuning import raise_descriptor_limit, tune_garbage_collection
from proxy.serve.phase import SIGNALS, Phase
from proxy.serve.reload.file_watch import watch_file
from proxy.serve.systemd.manager import ServiceManager
from proxy.serve.table import start_table
from proxy.serve.tls.certificates import CertificateError
from proxy.serve.upgrade.hand_over import hand_over
from proxy.serve.upgrade.predecessor import Predecessor, find_predecessor
from proxy.serve.upgrade.take_backends import take_backends
from proxy.serve.workers import supervisor
from proxy.serve.workers.supervised import WorkerError
from proxy.serve.workers.supervisor import worker_count

if TYPE_CHECKING:
    from proxy.core.config import Config
    from proxy.serve.phase import Running

log = logging.getLogger("rproxy")
LAST_STEPS = 5.0  # seconds for the program before this one, when its sessions are over: its backends end


class StartError(Exception):
    """Why nothing was started: one line."""


def run(config: Config, path: str) -> None:
    """Serves until SIGTERM or SIGINT. Raises StartError. path: of the file that SIGHUP reads again."""
    faulthandler.enable()  # systemd's watchdog ends what hangs with SIGABRT: the log says where it was
    raise_descriptor_limit()
    try:
        trio.run(_run, config, path, find_predecessor(), strict_exception_groups=True)
    except* ListenError as group:
        raise StartError("; ".join(explain(error) for error in _leaves(group))) from None
    except* (ManagedError, LogError, TlsFileError, CertificateError, PrivilegeError, WorkerError) as group:
        texts = dict.fromkeys(str(error) for error in _leaves(group))  # all workers may say the same
        raise StartError("; ".join(texts)) from None


async def _run(config: Config, path: str, predecessor: Predecessor | None) -> None:
    manager = ServiceManager(predecessor.offers, predecessor.lent) if predecessor else ServiceManager()
    with trio.open_signal_receiver(*SIGNALS) as signals:
        async with trio.open_nursery() as nursery:
            phase = Phase(nursery, manager)
            nursery.start_soon(phase.watch, signals)
            start = one_process.run if worker_count(config) == 1 else supervisor.run
            running: Running = await nursery.start(start, config, manager.inherited)
            running.controller.config_file = path
            phase.started(running)
            table = sys.stderr if _logs_to_stdout(config) else sys.stdout  # whoever reads the log reads lines of it
            table.write(start_table(config, running.listeners.addresses, running.listeners.admin_address))
            table.flush()
            if os.geteuid() == 0 and config.user is None:
                log.warning('running as root: user = "nobody", or another, gives that up once the listeners are bound')
            tune_garbage_collection()
            if predecessor is not None:
                await predecessor.serving()
                nursery.start_soon(take_backends, predecessor, running.controller)
            manager.serving(running.listeners, "serving")
            nursery.start_soon(manager.feed_watchdog, running.moved)
            nursery.start_soon(manager.follow, running.controller, running.listeners)
            nursery.start_soon(watch_file, running.controller, phase.reload)
            await phase.stop.wait()
            if phase.successor is not None:
                await hand_over(running, phase.successor, manager, phase.hurry, predecessor)
            else:
                await _stop(running, manager, predecessor)
            nursery.cancel_scope.cancel()


async def _stop(running: Running, manager: ServiceManager, predecessor: Predecessor | None) -> None:
    """Also what still runs in the program before this one: a service manager kills what its main process leaves."""
    if predecessor is not None:
        predecessor.taking.cancel()
        await predecessor.ending()
    seconds = running.controller.config.shutdown.drain
    manager.stopping(seconds, "finishing what runs")
    deadline = trio.current_time() + seconds
    await running.drain(seconds)
    if predecessor is not None:
        await predecessor.done()
        with trio.move_on_at(deadline + LAST_STEPS):
            await predecessor.ended()


def _logs_to_stdout(config: Config) -> bool:
    logs = (frontend.access_log for frontend in config.frontends.values())
    return any(log is not None and isinstance(log.to, LogStdout) for log in logs)


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves

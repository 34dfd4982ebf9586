"""A worker: one data plane in a process of its own, which does what its supervisor says.

Forked by the spawner. Without a supervisor there is no worker: when its channel ends, it finishes what runs and ends.
"""

from __future__ import annotations

import logging
import os
import socket
from functools import partial
from typing import TYPE_CHECKING

import trio

from proxy.core.metrics.told import Told, to_plain
from proxy.engine.scoreboard import PROCESS, Scoreboard
from proxy.engine.shared.sharing import Sharing
from proxy.engine.tls.backend_tls import TlsFileError
from proxy.serve.listeners import Bound, Listeners
from proxy.serve.logs.access_log import LogError
from proxy.serve.logs.program_log import start_logging
from proxy.serve.machine import privileges
from proxy.serve.machine.privileges import PrivilegeError
from proxy.serve.machine.tuning import tune_garbage_collection
from proxy.serve.orders import Accept, CannotStart, Drain, Drained, Prepared, report_as_json
from proxy.serve.server import Server
from proxy.serve.tls.certificates import CertificateError
from proxy.serve.workers.begin import Adopt, Begin
from proxy.serve.workers.channel import Channel, ChannelError, Outbox, dump_report, load_order
from proxy.serve.workers.spawner import ORPHANED

if TYPE_CHECKING:
    from proxy.serve.orders import Order, Report

log = logging.getLogger("rproxy.workers")

BEAT = 0.2  # seconds between signs of life
CANNOT_START = 1  # the exit status


def prepare() -> None:
    """Before the first fork. What is made or imported at its first use is used: a worker may be a user by then who
    cannot read the Python that it runs on."""
    to_plain(Told())


def main(number: int, sock: socket.socket) -> int:
    """In the new process. Returns its exit status."""
    return trio.run(_main, sock, strict_exception_groups=True)


async def _main(sock: socket.socket) -> int:
    channel = Channel(sock, takes_descriptors=True)
    message = await channel.receive()
    if message is None:
        return 0
    try:
        worker = Worker(channel, *message)
    except (LogError, TlsFileError, CertificateError, PrivilegeError) as error:
        await channel.send(dump_report(report_as_json(CannotStart(str(error)))))
        return CANNOT_START
    await worker.run()
    return 0


class Worker:
    def __init__(self, channel: Channel, data: bytes, descriptors: list[int]) -> None:
        """data: Begin. Raises LogError, TlsFileError, CertificateError and PrivilegeError."""
        begin = load_order(data)
        assert isinstance(begin, Begin)
        board = Scoreboard.attach(descriptors[0])
        first = 1 + len(begin.share.semaphores)
        share_with = partial(Sharing.join, board, begin.number, begin.share, descriptors[1:first])
        start_logging(begin.log_level, begin.number)
        self._channel = channel
        self._outbox = Outbox(channel)
        pairs = zip(begin.bound, descriptors[first:], strict=True)
        bound = [Bound(*place, socket.socket(fileno=each)) for place, each in pairs]
        self._server = Server(begin.config, Listeners(bound, owns_paths=False), self.report, share_with)
        assert self._server.sharing is not None
        self._sharing = self._server.sharing
        self._is_draining = False
        privileges.drop(begin.config)

    def report(self, report: Report) -> None:
        """To the supervisor. Never waits."""
        self._outbox.put(dump_report(report_as_json(report)))

    async def run(self) -> None:
        """Until it is told to end, or nobody is there any more to tell it."""
        self._sharing.column.cells(PROCESS, "pid")[0] = os.getpid()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._outbox.run)
            await nursery.start(self._server.run)
            nursery.start_soon(self._show_life)
            tune_garbage_collection()
            self.report(Prepared())
            await self._obey(nursery)
            nursery.cancel_scope.cancel()

    async def _show_life(self) -> None:
        """While the reactor moves, and not only Trio."""
        while True:
            await self._server.moved()
            self._sharing.publish()
            await trio.sleep(BEAT)

    async def _obey(self, nursery: trio.Nursery) -> None:
        try:
            while (message := await self._channel.receive()) is not None:
                data, descriptors = message
                order = load_order(data)
                if isinstance(order, Adopt):
                    self._sharing.adopt(order.share, descriptors)
                else:
                    self._do(order, [socket.socket(fileno=each) for each in descriptors], nursery)
        except ChannelError as error:
            log.error("the supervisor cannot be understood: %s", error)
        log.warning("the supervisor is gone; this worker ends within %g s", ORPHANED)
        await self._server.drain(ORPHANED)

    def _do(self, order: Order, sockets: list[socket.socket], nursery: trio.Nursery) -> None:
        match order:
            case Accept():
                self._server.accept()
            case Drain() if self._is_draining:
                self._server.cut()
            case Drain():
                self._is_draining = True
                nursery.start_soon(self._drain, order.seconds, nursery.cancel_scope)
            case _:
                self._server.send(order, sockets)

    async def _drain(self, seconds: float, scope: trio.CancelScope) -> None:
        self.report(Drained(await self._server.drain(seconds)))
        await self._outbox.flush()
        scope.cancel()

"""One process of a worker, from its start to its end: told what is decided, heard, and killed when it does not move."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

from proxy.core.workers.heartbeat import Heartbeat
from proxy.serve.orders import report_from_json
from proxy.serve.workers.channel import LARGEST_REPORT, Channel, ChannelError, Outbox, dump_order, load_report
from proxy.serve.workers.process import LAST_WORD

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from proxy.engine.scoreboard import Column
    from proxy.serve.orders import Report
    from proxy.serve.workers.process import Process

log = logging.getLogger("rproxy.workers")

LOOK = 0.25  # seconds between two looks at the sign of life


class Attendance:
    """why: what is known of why it ends, "" while nothing is. pid: of the process."""

    def __init__(
        self,
        process: Process,
        sock: socket.socket,
        column: Column,
        *,
        hear: Callable[[Report], None],
        patience: Callable[[], float],
    ) -> None:
        """Takes process and socket over; `run` lets go of them. column: where it shows that it lives.

        hear: is called with what it says. patience: seconds that it may show no sign of life.
        """
        self.pid = process.pid
        self.why = ""
        self._process = process
        self._channel = Channel(sock)
        self._outbox = Outbox(self._channel)
        self._column = column
        self._hear = hear
        self._patience = patience
        self._heart = Heartbeat(LOOK, trio.current_time())

    @property
    def silent(self) -> float:
        """For how many seconds it has shown no sign of life."""
        return self._heart.silent

    def tell(self, order: object, descriptors: Sequence[int] = ()) -> None:
        """Does not wait and does not fail: who cannot be told is killed, and its successor is told everything."""
        try:
            is_taken = self._outbox.put(dump_order(order), descriptors)
        except OSError as error:  # no room for more open files
            self.kill(f"killed: it cannot be told what is decided: {error.strerror}")
        else:
            if not is_taken:
                self.kill("killed: it does not listen")

    def kill(self, why: str) -> None:
        if not self._process.is_closed:  # or it has ended already, and not for this reason
            self.why = self.why or why
            self._process.kill()

    async def run(self) -> int | None:
        """Until it has ended: its exit status, as `Process.wait` has it. When cancelled it is killed."""
        heard_all = trio.Event()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._outbox.run)
                nursery.start_soon(self._listen, heard_all)
                nursery.start_soon(self._watch)
                status = await self._process.wait()
                with trio.move_on_after(LAST_WORD):
                    await heard_all.wait()
                nursery.cancel_scope.cancel()
        finally:
            self._process.kill()
            self._process.close()
            self._channel.close()
        return status

    async def _listen(self, heard_all: trio.Event) -> None:
        try:
            while (message := await self._channel.receive(LARGEST_REPORT)) is not None:
                self._hear(report_from_json(load_report(message[0])))
        except (ChannelError, ValueError) as error:
            self.kill(f"killed: it talks nonsense, {str(error).splitlines()[0]}")
        except Exception:  # a defect of ours, which ends one worker and not all
            log.exception("what worker process %d said could not be dealt with", self.pid)
            self.kill("killed: what it said could not be dealt with")
        heard_all.set()

    async def _watch(self) -> None:
        heart, column = self._heart, self._column
        while heart.silence(column.heartbeat, trio.current_time()) < self._patience():  # noqa: ASYNC110 - shared memory
            await trio.sleep(LOOK)
        self.kill(f"killed: it did nothing for {heart.silent:.1f} s")

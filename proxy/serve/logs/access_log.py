"""Writes a frontend's access log: makes lines of its records in the engine's task, writes them in a thread.

The lines are not made in the thread: one that computes keeps the interpreter's lock for as long as 5 ms
(sys.getswitchinterval) whenever a system call of the engine lets go of it, and every session waits. In the thread is
what may block, the write itself, and there the lock is free. A line costs 0.6 us, or 2 when its head is new.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import socket
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

import trio

from proxy.core.access_log.combined import Combined
from proxy.core.access_log.json_lines import JsonLines
from proxy.core.access_log.record import is_good
from proxy.core.access_log.syslog import Syslog
from proxy.core.config import LogSyslog
from proxy.serve.logs.log_destinations import open_destination

if TYPE_CHECKING:
    from proxy.core.access_log.record import Record
    from proxy.core.access_log.syslog import Format
    from proxy.core.config import AccessLog
    from proxy.engine.access_log import RecordBuffer
    from proxy.engine.frontend import Frontend

log = logging.getLogger("rproxy.access_log")

GATHER = 0.05  # seconds; a task's turn costs 15 us and a thread's 100, for one line or for many
RETRY = 1.0  # seconds after a write that failed
LAST_WORDS = 2.0  # seconds at the end for what is not written yet


class LogError(Exception):
    """A log that cannot be written from the start: one line."""


class LogWriter:
    """From the records of one frontend to one destination.

    At most `buffer` bytes of lines wait. When there are more, the newest records are dropped and counted.
    """

    def __init__(self, frontend: Frontend, settings: AccessLog, records: RecordBuffer) -> None:
        """Raises LogError."""
        self._name = f"access log of {frontend.config.name}"
        self.records = records
        self._settings = settings
        self._format = make_format(frontend.config.name, settings)
        try:
            self._destination = open_destination(settings.to)
        except OSError as error:
            raise LogError(f"{self._name}: cannot open {settings.to}: {error.strerror}") from error
        self._lines: list[str] = []  # as the destination takes them
        self._waiting = 0  # bytes of lines, with those in the hands of the destination
        self._dropped = 0
        self._is_dropping = False
        self._trouble = ""  # with the destination, as it was logged
        self._closing = trio.Event()
        self._scope = trio.CancelScope(shield=True)
        self._thread = trio.CapacityLimiter(1)
        self._count, records.consume = records.consume, self.make_lines

    async def run(self) -> None:
        """Until `close`, also when cancelled: what is in the buffer by then is still to be written."""
        with self._scope:
            await self._write_lines()
        if self._scope.cancelled_caught:  # the thread still has it
            log.error("%s: %s takes no lines; what waited for it is lost", self._name, self._settings.to)
        else:
            self._destination.close()
        self._let_go()

    def reopen(self) -> None:
        self._destination.reopen()
        self.records.wake()

    def discard(self) -> None:
        """Closes what was opened; for one that never ran."""
        self._destination.close()
        self._let_go()

    def _let_go(self) -> None:
        """The two know each other: apart they are gone at once, and not when garbage is collected next."""
        self.records.consume = self._count

    def close(self) -> None:
        """No more records come. `run` ends when all is written, or after LAST_WORDS."""
        self._closing.set()
        self._scope.deadline = trio.current_time() + LAST_WORDS
        self.records.end()

    # ------------------------------------------------------------------ records to lines

    def make_lines(self, records: list[Record]) -> None:
        """Within the engine: it never waits."""
        self._count(records)
        if self._settings.only == "errors":
            records = [record for record in records if not is_good(record[4])]
        lines = self._fitting(self._lines_of(records))
        if lines:
            self._lines += self._destination.pack(lines)
        if self._dropped and not self._is_dropping:
            self._is_dropping = True
            log.error("%s: lines come faster than %s takes them: they are dropped", self._name, self._settings.to)

    def _lines_of(self, records: list[Record]) -> list[str]:
        wall = datetime.now(UTC).timestamp() - monotonic()
        lines, line_of = [], self._format.line
        for record in records:
            try:
                lines.append(line_of(record, wall))
            except Exception:  # a defect of ours costs a line, not the proxy
                log.exception("%s: a record that no line can be made of", self._name)
        return lines

    def _fitting(self, lines: list[str]) -> list[str]:
        """Those for which there is room; the others are dropped."""
        self._waiting += (size := sum(map(len, lines)))
        if self._waiting <= self._settings.buffer:
            return lines
        self._waiting -= size
        found = []
        for line in lines:
            if self._waiting < self._settings.buffer:
                self._waiting += len(line)
                found.append(line)
        self._dropped += len(lines) - len(found)
        return found

    # ------------------------------------------------------------------ lines to their destination

    async def _write_lines(self) -> None:
        records = self.records
        while self._lines or records.records or not self._closing.is_set():
            if not self._lines:
                await records.wait()
            with trio.move_on_after(GATHER):
                await self._closing.wait()
            records.flush()
            lines, self._lines = self._lines, []
            size = sum(map(len, lines))
            await self._write(lines)
            self._waiting -= size
            if self._dropped and self._waiting <= self._settings.buffer // 2:
                log.warning("%s goes on: %d lines were dropped", self._name, self._dropped)
                self._dropped, self._is_dropping = 0, False

    async def _write(self, lines: list[str]) -> None:
        """Until they are written, however often that fails."""
        while True:
            try:
                trouble = await trio.to_thread.run_sync(
                    self._destination.write, lines, abandon_on_cancel=True, limiter=self._thread
                )
            except OSError as error:
                self._tell(f"{self._settings.to} cannot be written: {error.strerror or error}")
                lines = []  # the destination has them
                await trio.sleep(RETRY)
            else:
                self._tell(trouble)
                return

    def _tell(self, trouble: str) -> None:
        """When it begins, and when it is over."""
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble:
            log.error("%s: %s", self._name, trouble)
        else:
            log.warning("%s: %s is written again", self._name, self._settings.to)


def make_format(frontend: str, settings: AccessLog) -> Format:
    run = secrets.token_hex(4)
    kind = JsonLines if settings.format == "json" else Combined
    inner = kind(frontend, run, query=settings.query)
    if not isinstance(settings.to, LogSyslog):
        return inner
    return Syslog(inner, frontend, _host_name(), os.getpid(), is_stream=settings.to.is_stream)


def _host_name() -> str:
    name = socket.gethostname()
    return name if re.fullmatch(r"[!-~]{1,255}", name) else "-"  # RFC 5424 section 6

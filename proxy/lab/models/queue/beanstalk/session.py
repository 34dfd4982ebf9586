"""One connection's commands: bytes in, what they do to the store, bytes out. Pure: `now` is an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.models.queue.beanstalk.commands import COMMANDS
from proxy.lab.models.queue.beanstalk.store import NotFound
from proxy.lab.models.queue.beanstalk.words import BadCommand, put_arguments, with_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.lab.models.queue.beanstalk.store import Store
    from proxy.lab.models.queue.beanstalk.tube import Job

LONGEST_LINE = 224  # bytes with its CRLF
_END = b"\r\n"


class Session:
    """client: as the store knows us. has_quit: it wants no more."""

    def __init__(
        self, store: Store, largest: int, reply: Callable[[bytes], None], waited: Callable[[], None] = lambda: None
    ) -> None:
        """largest: bytes of a job. reply: called with replies. waited: called when a wait is over and `feed` has kept
        what came meanwhile: it wants to be fed again, be it with nothing."""
        self.store, self.largest = store, largest
        self._reply, self._waited = reply, waited
        self.client = store.join(self._given, self._tell)
        self._held = bytearray()
        self._skip = 0  # bytes of a job that was too big, still to come
        self._is_line_too_long = False
        self.has_quit = False

    def feed(self, data: bytes, now: float) -> None:
        """One command at a time: what comes while it waits for a job is kept."""
        self._held += data
        while self._held and not (self.client.is_waiting or self.has_quit) and self._step(now):
            pass

    def end(self, now: float) -> None:
        """The connection has ended."""
        self.store.leave(self.client, now)

    def _given(self, job: Job) -> None:
        self._tell(with_job(b"RESERVED", job))

    def _tell(self, reply: bytes) -> None:
        self._reply(reply + _END)
        if self._held:
            self._waited()

    def _step(self, now: float) -> bool:
        """Whether something was taken from what is held."""
        if self._skip:
            dropped = min(self._skip, len(self._held))
            self._skip -= dropped
            del self._held[:dropped]
            return True
        end = self._held.find(_END)
        if end < 0 or end > LONGEST_LINE - 2 or self._is_line_too_long:
            return self._drop_long_line(end)
        name, *words = bytes(self._held[:end]).split(b" ")
        if name == b"put":
            return self._put(words, end + 2, now)
        del self._held[: end + 2]
        self._answer(name, words, now)
        return True

    def _drop_long_line(self, end: int) -> bool:
        """end: of it, -1 while it has not come."""
        if end >= 0:
            self._is_line_too_long = False
            del self._held[: end + 2]
            self._reply(b"BAD_FORMAT\r\n")
            return True
        if len(self._held) >= LONGEST_LINE:
            self._is_line_too_long = True
            del self._held[:-1]  # it may be a CR
        return False

    def _answer(self, name: bytes, words: list[bytes], now: float) -> None:
        command = COMMANDS.get(name)
        try:
            if command is None:
                raise BadCommand(b"UNKNOWN_COMMAND")
            reply = command(self, words, now)
        except BadCommand as error:
            reply = error.word
        except NotFound:
            reply = b"NOT_FOUND"
        if reply:
            self._reply(reply + _END)

    def _put(self, words: list[bytes], start: int, now: float) -> bool:
        """start: of the job's bytes. False while they are not all here."""
        try:
            priority, delay, ttr, size = put_arguments(words)
        except BadCommand as error:
            del self._held[:start]
            self._reply(error.word + _END)
            return True
        if size > self.largest:
            self._skip = size + 2
            del self._held[:start]
            self._reply(b"JOB_TOO_BIG\r\n")
            return True
        end = start + size
        if len(self._held) < end + 2:
            return False
        body, rest = bytes(self._held[start:end]), self._held[end : end + 2]
        del self._held[: end + 2]
        if rest != _END:
            self._reply(b"EXPECTED_CRLF\r\n")
            return True
        store, self.client.is_producer = self.store, True
        job = store.put(self.client.used, body, priority, delay, ttr, now)
        self._reply(b"INSERTED %d\r\n" % job.number)
        store.place(job, now)
        return True

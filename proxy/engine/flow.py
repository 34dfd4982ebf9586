"""One direction of bytes: what the source sends goes to the sink, at the sink's pace, through bounded memory."""

from __future__ import annotations

import fcntl
import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.engine.sock import Sock

FIRST_READ = 32 * 1024  # a form of 16 KiB and its head in one read; a small message costs the same from 1 to 64 KiB
LARGE_READ = 64 * 1024
SPLICE_FROM = 256 * 1024  # bytes left, or moved in one go, from which a pipe in the kernel is cheaper than copying
PIPE_SIZE = 1024 * 1024  # the most an unprivileged process may ask for (/proc/sys/fs/pipe-max-size)
MAX_ROUNDS = 16  # reads per wake-up: one fast session may not hold up the others
ENDLESS = 1 << 62

# What `pump` stopped for.
DRY = 0  # nothing to read now: the source's next event continues
BLOCKED = 1  # the sink takes no more now: its next writable event continues
MORE = 2  # rounds used up: call again soon
DONE = 3  # `left` bytes were passed on, or the source ended and everything before its end was passed on


class SourceError(Exception):
    """The source broke: `__cause__` is the OSError."""


class SinkError(Exception):
    """The sink broke: `__cause__` is the OSError."""


class Flow:
    """left: bytes still to read; ENDLESS for as long as the source lives. moved: bytes the sink has taken.

    hang_up: set it once a hang-up was seen. A short read then no longer means that nothing follows: the end of the
    stream may have come on an edge that was consumed already.
    is_ended: the source's end was read. Whoever owns the flow passes it on after DONE.
    At most one read, or one pipe, is held for a sink that does not take it.
    """

    __slots__ = ("_pending", "_pipe", "_piped", "_read_size", "_recv", "_send", "hang_up", "is_ended", "left", "moved",
                 "sink", "source")  # fmt: skip

    def __init__(self, source: Sock, sink: Sock, left: int = ENDLESS) -> None:
        self.source = source
        self.sink = sink
        self._recv = source.recv
        self._send = sink.send
        self.left = left
        self.moved = 0
        self.hang_up = False
        self.is_ended = False
        self._pending: bytes | memoryview = b""
        self._read_size = FIRST_READ
        self._pipe: Pipe | None = None
        self._piped = 0

    def set_sink(self, sink: Sock) -> None:
        """Another sink takes over, before the old one took anything."""
        self.sink = sink
        self._send = sink.send

    def put(self, data: bytes) -> None:
        """Bytes from elsewhere that go before everything still to be read. Nothing may be pending."""
        self._pending = data

    @property
    def held(self) -> int:
        """Bytes read and not yet taken by the sink."""
        return len(self._pending) + self._piped

    def close(self) -> None:
        """Gives the pipe back. Bytes still held are lost."""
        if self._pipe is not None:
            self._pipe.release(self._piped)
            self._pipe = None
        self._pending = b""

    def pump(self) -> int:
        """Moves what can be moved now. Returns why it stopped; raises SourceError and SinkError."""
        if self._pipe is not None:
            return self._splice()
        if self._pending and not self._flush():
            return BLOCKED
        for _ in range(MAX_ROUNDS):
            size = self._read_size
            if self.left < size:
                size = self.left
                if not size:
                    return DONE
            try:
                data = self._recv(size)
            except BlockingIOError:
                return DRY
            except OSError as error:
                raise SourceError from error
            if not data:
                self.is_ended = True
                return DONE
            read = len(data)
            self.left -= read
            try:
                sent = self._send(data)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                raise SinkError from error
            self.moved += sent
            if sent < read:
                self._pending = memoryview(data)[sent:]
                return BLOCKED
            if read < size and not self.hang_up:
                return DONE if not self.left else DRY
            if self._grow(read):
                return self._splice()
        return MORE if self.left else DONE

    def _flush(self) -> bool:
        """Whether the sink took everything pending."""
        try:
            sent = self._send(self._pending)
        except BlockingIOError:
            return False
        except OSError as error:
            raise SinkError from error
        self.moved += sent
        if sent < len(self._pending):
            self._pending = memoryview(self._pending)[sent:]
            return False
        self._pending = b""
        return True

    def _grow(self, read: int) -> bool:
        """Reads that fill their buffer get a larger one; whether the rest should go through a pipe."""
        if read < self._read_size:
            return False
        self._read_size = LARGE_READ
        if self.moved < SPLICE_FROM or self.left < SPLICE_FROM or not self._can_splice():
            return False
        self._pipe = Pipe.acquire()
        return self._pipe is not None

    def _can_splice(self) -> bool:
        """What TLS carries must pass through this process."""
        return isinstance(self.source, socket.socket) and isinstance(self.sink, socket.socket)

    def _splice(self) -> int:
        """As `pump`, by pages that never enter this process: 2 to 3 times the rate of recv and send (DESIGN 4)."""
        pipe = self._pipe
        assert pipe is not None
        for _ in range(MAX_ROUNDS):
            if self._piped and not self._drain(pipe):
                return BLOCKED
            if not self.left:
                return DONE
            try:
                self._piped = os.splice(
                    self.source.fileno(), pipe.write_end, min(self.left, PIPE_SIZE), flags=_NONBLOCK
                )
            except BlockingIOError:
                return DRY
            except OSError as error:
                raise SourceError from error
            if not self._piped:
                self.is_ended = True
                return DONE
            self.left -= self._piped
            if self._piped < FIRST_READ:  # small messages again: copying them is cheaper
                return self._stop_splicing(pipe)
        if self._piped and not self._drain(pipe):
            return BLOCKED
        return MORE if self.left else DONE

    def _stop_splicing(self, pipe: Pipe) -> int:
        if not self._drain(pipe):
            return BLOCKED
        pipe.release(0)
        self._pipe = None
        self._read_size = FIRST_READ
        return MORE if self.left else DONE

    def _drain(self, pipe: Pipe) -> bool:
        """Whether the sink took all that the pipe holds."""
        try:
            while self._piped:
                sent = os.splice(pipe.read_end, self.sink.fileno(), self._piped, flags=_NONBLOCK)
                self._piped -= sent
                self.moved += sent
        except BlockingIOError:
            return False
        except OSError as error:
            raise SinkError from error
        return True


_NONBLOCK = getattr(os, "SPLICE_F_NONBLOCK", 2) | getattr(os, "SPLICE_F_MOVE", 1)


class Pipe:
    """A pipe for `splice`. A few empty ones are kept: making one costs 20 us, most of it its size.

    MOST: in use at a time. A reader that stalls leaves its pipe full, so that this bounds what they hold: 256 MiB.
    """

    KEPT = 16
    MOST = 256
    used = 0
    _free: list[Pipe] = []  # noqa: RUF012 - of this process, as descriptors are

    def __init__(self, read_end: int, write_end: int) -> None:
        self.read_end = read_end
        self.write_end = write_end

    @classmethod
    def acquire(cls) -> Pipe | None:
        """None when there is no descriptor or no memory left for one: the flow goes on copying."""
        if Pipe.used >= cls.MOST:
            return None
        if cls._free:
            Pipe.used += 1
            return cls._free.pop()
        try:
            pipe = cls(*os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC))
        except OSError:
            return None
        try:
            fcntl.fcntl(pipe.write_end, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        except OSError:
            pass  # over the user's limit (pipe-user-pages-soft): the default of 64 KiB works as well
        Pipe.used += 1
        return pipe

    def release(self, held: int) -> None:
        """held: bytes still in it; such a pipe is closed."""
        Pipe.used -= 1
        if held or len(self._free) >= self.KEPT:
            os.close(self.read_end)
            os.close(self.write_end)
        else:
            self._free.append(self)

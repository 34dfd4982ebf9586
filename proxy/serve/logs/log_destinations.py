"""Where lines of a log go: files, standard output, syslog. All of it blocks, and so belongs into a thread."""

from __future__ import annotations

import errno
import os
import select
import socket
import stat
from collections import deque
from typing import TYPE_CHECKING, Protocol

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config import LogFile, LogSyslog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.core.config import LogTarget

MODE = 0o640  # lines tell who asked for what: not everybody's business
CONNECT_TIMEOUT = 5.0
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
_PIECE = 64 * 1024  # bytes of one write, about: with each the thread waits for the interpreter's lock
_GROUP = 64  # lines of one send to a stream


class Destination(Protocol):
    def pack(self, lines: list[str]) -> list[str]:
        """As `write` takes them: several at a time, where lines need not go alone."""

    def write(self, lines: Sequence[str]) -> str:
        """Until all is written. Raises OSError: then it keeps what is left, which goes first when it is called again.
        Returns what is wrong all the same, or ""."""

    def reopen(self) -> None:
        """With the next `write`. From any thread."""

    def close(self) -> None: ...


def open_destination(target: LogTarget) -> Destination:
    """Raises OSError for a file that cannot be opened. A syslog that is not there yet may come."""
    if isinstance(target, LogFile):
        return File(target.path)
    return Syslog(target) if isinstance(target, LogSyslog) else Stdout()


class Stdout:
    """Standard output; and what files share with it."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._left = b""
        self._waiting: deque[str] = deque()
        self._is_torn = False

    def pack(self, lines: list[str]) -> list[str]:
        return ["".join(lines)]

    def write(self, lines: Sequence[str]) -> str:
        """Not all at once: a megabyte is memory that the kernel clears first, and that no cache holds, 2 us a line."""
        self._waiting.extend(lines)
        is_pipe = stat.S_ISFIFO(os.fstat(self._descriptor).st_mode)
        while self._left or self._waiting:
            if not self._left:
                self._left = self._take_piece()
            self._write_left(is_pipe=is_pipe)
        return ""

    def _take_piece(self) -> bytes:
        texts, size = [], 0
        while self._waiting and size < _PIECE:
            texts.append(self._waiting.popleft())
            size += len(texts[-1])
        return "".join(texts).encode()

    def _write_left(self, *, is_pipe: bool) -> None:
        at = 0
        try:
            while at < len(self._left):
                end = self._end_of_lines(at) if is_pipe else len(self._left)
                try:
                    at += os.write(self._descriptor, self._left[at:end])
                except BlockingIOError:  # somebody who shares it has made it non-blocking
                    _wait_writable(self._descriptor)
        finally:
            if at:
                self._is_torn = self._left[at - 1 : at] != b"\n"
                self._left = self._left[at:]

    def _end_of_lines(self, at: int) -> int:
        """Of as many as a pipe takes whole. What is larger may be cut where it is full, and have lines of another
        worker put in between (pipe(7)); to a file all appends are whole."""
        if len(self._left) - at <= select.PIPE_BUF:
            return len(self._left)
        end = self._left.rfind(b"\n", at, at + select.PIPE_BUF)
        return 1 + (end if end >= 0 else self._left.index(b"\n", at))

    def reopen(self) -> None:
        pass

    def close(self) -> None:
        pass


def _wait_writable(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.poll()


class File(Stdout):
    """Appends to a path. When another file, or none, is found under it, as logrotate leaves it, the path is opened
    anew."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._is_asked = False
        super().__init__(self._open())

    def _open(self) -> int:
        descriptor = os.open(self._path, _FLAGS, MODE)  # without O_NONBLOCK a FIFO that nobody reads would hold us here
        os.set_blocking(descriptor, True)
        status = os.fstat(descriptor)
        self._identity = status.st_dev, status.st_ino
        return descriptor

    def write(self, lines: Sequence[str]) -> str:
        complaint = ""
        if self._is_asked or ((lines or self._left) and self._has_moved()):
            try:
                self._change(self._open())
            except OSError as error:
                complaint = f"the old file is still written to: {self._path} cannot be opened: {error.strerror}"
        super().write(lines)
        return complaint

    def _has_moved(self) -> bool:
        try:
            status = os.stat(self._path)
        except OSError:
            return True
        return (status.st_dev, status.st_ino) != self._identity

    def _change(self, descriptor: int) -> None:
        os.close(self._descriptor)
        self._descriptor = descriptor
        self._is_asked = False
        if self._is_torn:  # the disk was full in the middle of a line: its beginning is in the old file
            self._left = self._left.partition(b"\n")[2]
            self._is_torn = False

    def reopen(self) -> None:
        self._is_asked = True

    def close(self) -> None:
        os.close(self._descriptor)


class Syslog:
    """A connection that is made when there is something to say, and anew when it broke. Of a stream, what was sent and
    not delivered when it broke is lost or comes twice; nobody acknowledges."""

    def __init__(self, target: LogSyslog) -> None:
        self._target = target
        self._size = _GROUP if target.is_stream else 1
        self._sock: socket.socket | None = None
        self._left: deque[bytes] = deque()

    def pack(self, lines: list[str]) -> list[str]:
        return lines

    def write(self, lines: Sequence[str]) -> str:
        for start in range(0, len(lines), self._size):
            self._left.append("".join(lines[start : start + self._size]).encode())
        try:
            self._send_all()
        except OSError:
            self.close()
            raise
        return ""

    def _send_all(self) -> None:
        if self._sock is None:
            self._sock = _connect(self._target)
        while self._left:
            try:
                self._sock.sendall(self._left[0])
            except OSError as error:
                if error.errno != errno.EMSGSIZE:  # it will never fit into a datagram: without it then
                    raise
            self._left.popleft()

    def reopen(self) -> None:
        pass

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None


def _connect(target: LogSyslog) -> socket.socket:
    """Connected, a datagram socket learns that nobody listens."""
    kind = socket.SOCK_STREAM if target.is_stream else socket.SOCK_DGRAM
    address: object
    if isinstance(target.address, UnixAddress):
        family, address = socket.AF_UNIX, target.address.sockaddr
    else:
        family, address = _resolve(target.address, kind)
    sock = socket.socket(family, kind)
    try:
        sock.settimeout(CONNECT_TIMEOUT)
        sock.connect(address)  # type: ignore[arg-type]
        sock.settimeout(None)
    except BaseException:
        sock.close()
        raise
    return sock


def _resolve(address: TcpAddress, kind: socket.SocketKind) -> tuple[socket.AddressFamily, object]:
    family, _, _, _, found = socket.getaddrinfo(address.host, address.port, type=kind)[0]
    return family, found

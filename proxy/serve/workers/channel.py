"""What a supervisor and its worker tell each other: messages over a pair of connected Unix sockets.

Down go orders, pickled, with descriptors where they need some; up go reports, as JSON. A pickle makes whoever reads it
run code, and a worker may have given up privileges that its supervisor has, so that nothing of a worker's is unpickled.

A message is its length and the number of its descriptors, four bytes each, and then its bytes.
"""

from __future__ import annotations

import json
import os
import pickle
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, Any

import trio

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST_REPORT = 4 * 2**20  # bytes; what a worker may make its supervisor keep in memory
DESCRIPTORS_AT_ONCE = 250  # the kernel takes 253 with one call (SCM_MAX_FD in net/scm.h)

_HEADER = struct.Struct("!II")
_INT = struct.Struct("i")
_READ = 65536


class ChannelError(Exception):
    """The other side does not speak as it should, or ended in the middle of a message."""


class Channel:
    """One end. A writer and a reader may use it at the same time, but not two of either.

    What is sent to an end that is not read waits in the kernel (some 200 KB) and then in `send`.
    """

    def __init__(self, sock: socket.socket, *, takes_descriptors: bool = False) -> None:
        """Takes the socket over. takes_descriptors: without, those that come are closed by the kernel."""
        sock.setblocking(False)
        self._sock = trio.socket.from_stdlib_socket(sock)
        self._takes_descriptors = takes_descriptors
        self._buffer = bytearray()
        self._descriptors: deque[int] = deque()

    async def send(self, data: bytes, descriptors: Sequence[int] = ()) -> None:
        """The descriptors stay the caller's. Raises OSError when nobody is there any more.

        When it is cancelled, part of the message may be sent: the channel is of no use then.
        """
        left = memoryview(_HEADER.pack(len(data), len(descriptors)) + data)
        for start in range(0, len(descriptors), DESCRIPTORS_AT_ONCE):
            some = descriptors[start : start + DESCRIPTORS_AT_ONCE]
            is_last = start + DESCRIPTORS_AT_ONCE >= len(descriptors)
            # They ride on at least a byte, and the reader must find a byte for each ride: the header has eight.
            sent = await self._sock.sendmsg([left if is_last else left[:1]], [_rights(some)])
            left = left[sent:]
        while left:
            left = left[await self._sock.send(left) :]

    async def receive(self, largest: int | None = None) -> tuple[bytes, list[int]] | None:
        """The next message and its descriptors, which are the caller's; None at the end.

        Raises ChannelError, also for more than `largest` bytes. May be cancelled and called again.
        """
        while True:
            message = self._take(largest)
            if message is not None:
                return message
            if not await self._read():
                if self._buffer:
                    raise ChannelError("the other side ended in the middle of a message")
                return None

    def _take(self, largest: int | None) -> tuple[bytes, list[int]] | None:
        if len(self._buffer) < _HEADER.size:
            return None
        size, count = _HEADER.unpack_from(self._buffer)
        if (largest is not None and size > largest) or (count and not self._takes_descriptors):
            raise ChannelError(f"a message of {size} bytes and {count} descriptors is not taken")
        end = _HEADER.size + size
        if len(self._buffer) < end or len(self._descriptors) < count:
            return None
        data = bytes(self._buffer[_HEADER.size : end])
        del self._buffer[:end]
        return data, [self._descriptors.popleft() for _ in range(count)]

    async def _read(self) -> bool:
        """Whether it went on. The kernel never joins the descriptors of two messages in one call (unix(7))."""
        room = socket.CMSG_SPACE(DESCRIPTORS_AT_ONCE * _INT.size) if self._takes_descriptors else 0
        try:
            data, extras, flags, _ = await self._sock.recvmsg(_READ, room, socket.MSG_CMSG_CLOEXEC)
        except ConnectionResetError:  # it ended and had not read everything
            return False
        for level, kind, rights in extras:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                self._descriptors.extend(found for (found,) in _INT.iter_unpack(rights))
        if flags & socket.MSG_CTRUNC and self._takes_descriptors:
            raise ChannelError("there is no room for more open files")
        self._buffer += data
        return bool(data)

    def close(self) -> None:
        self._sock.close()
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()


def _rights(descriptors: Sequence[int]) -> tuple[int, int, bytes]:
    return socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"{len(descriptors)}i", *descriptors)


def dump_order(order: object) -> bytes:
    return pickle.dumps(order, pickle.HIGHEST_PROTOCOL)


def load_order(data: bytes) -> Any:
    """Only of what came from the supervisor."""
    return pickle.loads(data)


def dump_report(report: dict[str, Any]) -> bytes:
    return json.dumps(report).encode()


def load_report(data: bytes) -> dict[str, Any]:
    """Raises ChannelError."""
    try:
        report = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ChannelError(f"a report that is no JSON: {error}") from None
    if not isinstance(report, dict):
        raise ChannelError("a report that is no JSON object")
    return report


class Outbox:
    """Messages that wait for a channel to take them; its only writer. `put` never waits.

    most: how many may wait. Whoever does not take them for so long does not move, or is being stopped.
    """

    def __init__(self, channel: Channel, most: int = 100_000) -> None:
        self._channel = channel
        self._most = most
        self._waiting: deque[tuple[bytes, list[int]]] = deque()
        self._wake = trio.Event()
        self._empty = trio.Event()

    def put(self, data: bytes, descriptors: Sequence[int] = ()) -> bool:
        """Whether there was room. The descriptors stay the caller's, who may close them at once. Raises OSError when
        this process has no room for more open files."""
        if len(self._waiting) >= self._most:
            return False
        own: list[int] = []
        try:
            own.extend(map(os.dup, descriptors))
        except OSError:
            _close_all(own)
            raise
        self._waiting.append((data, own))
        self._wake.set()
        return True

    async def run(self) -> None:
        """Until cancelled, or until nobody is there any more to take them."""
        try:
            while True:
                while self._waiting:
                    await self._send_first()
                self._empty.set()
                self._wake = trio.Event()
                await self._wake.wait()
                self._empty = trio.Event()
        except OSError:
            pass  # whoever reads from this channel learns of the end too
        finally:
            for _, descriptors in self._waiting:
                _close_all(descriptors)
            self._waiting.clear()
            self._most = 0
            self._empty.set()

    async def _send_first(self) -> None:
        data, descriptors = self._waiting.popleft()
        try:
            await self._channel.send(data, descriptors)
        finally:
            _close_all(descriptors)

    async def flush(self) -> None:
        """Until everything was sent, or never will be."""
        while self._waiting:
            await self._empty.wait()
        await self._empty.wait()


def _close_all(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)

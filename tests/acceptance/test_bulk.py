"""Gigabytes through rproxy past a slow reader: every byte arrives as it was sent, and the proxy's memory stays put.

The client and the backend are threads here, rproxy is a process of its own, whose resident memory is sampled.
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import pytest

from tests.acceptance.stream import BLOCK, check, piece
from tests.clients.support import running
from tests.processes import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clients.support import Rproxy
    from tests.conftest import Figures

MIB = 1024 * 1024
SIZE = 256 * MIB
SOAK_SIZE = 2048 * MIB
MAX_GROWTH = 2 * MIB
DEADLINE = 30.0  # seconds without a byte
SEED = 7

# The slow reader: a trickle at first, and then a long look out of the window every now and then.
TRICKLE, SIP, BETWEEN_SIPS = 512 * 1024, 8 * 1024, 0.003
PAUSE_EVERY, PAUSE = 64 * MIB, 0.3
WINDOW = 256 * 1024  # and it does not let the kernel hoard for it

CONFIG = """
[frontends.{mode}]
listen = "127.0.0.1:0"
mode = "{mode}"
pool = "app"

[pools.app]
backends = ["{address}"]
"""


class Transfer(NamedTuple):
    """stall: the longest that one `send` had to wait; growth: bytes of resident memory above what it was before."""

    size: int
    seconds: float
    stall: float
    growth: int

    def __str__(self) -> str:
        return (
            f"{self.size / MIB:.0f} MiB in {self.seconds:.2f} s ({self.size / MIB / self.seconds:.0f} MiB/s), "
            f"longest stall of the sender {self.stall:.2f} s, resident memory {self.growth / MIB:+.2f} MiB"
        )


@pytest.fixture
def size(soaking: bool) -> int:
    """BULK_MIB=128 makes it quicker while one works on it; much less fits into the kernel's buffers on the way."""
    mib = os.environ.get("BULK_MIB")
    return int(mib) * MIB if mib else SOAK_SIZE if soaking else SIZE


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("framing", ["tcp", "length", "chunked"])
def test_bulk_arrives_whole_through_bounded_memory(framing: str, direction: str, size: int, figures: Figures) -> None:
    with listening() as listener, serving(framing, listener) as rproxy:
        transfer(rproxy, listener, framing, direction, MIB)  # whatever is only made once is made now
        transferred = transfer(rproxy, listener, framing, direction, size)
        figures(f"bulk {framing} {direction}: {transferred}")
        assert transferred.growth < MAX_GROWTH
        assert transferred.stall > 0.01, "the slow reader was never felt by the sender"


def listening() -> closing[socket.socket]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(DEADLINE)
    return closing(listener)


def serving(framing: str, listener: socket.socket) -> Iterator[Rproxy]:
    mode = "tcp" if framing == "tcp" else "http"
    return running(CONFIG.format(mode=mode, address=f"127.0.0.1:{listener.getsockname()[1]}"))


def transfer(rproxy: Rproxy, listener: socket.socket, framing: str, direction: str, size: int) -> Transfer:
    with connect(rproxy.address, DEADLINE) as client, Memory(rproxy.process.pid) as memory:
        start = time.perf_counter()
        if direction == "up":
            stall = upload(client, listener, framing, size)
        else:
            stall = download(client, listener, framing, size)
        return Transfer(size, time.perf_counter() - start, stall, memory.growth)


def upload(client: socket.socket, listener: socket.socket, framing: str, size: int) -> float:
    with ThreadPoolExecutor(1) as threads:
        stall = threads.submit(send_message, client, b"POST /bulk HTTP/1.1\r\nHost: bulk\r\n", framing, size)
        with accept(listener) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
            with server.makefile("rb") as reader:
                receive_message(reader, framing, size)
                if framing == "tcp":
                    server.sendall(b"thanks")
                else:
                    server.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nthanks")
            server.shutdown(socket.SHUT_WR)
            with client.makefile("rb") as answer:
                if framing != "tcp":
                    assert b" 200 " in read_head(answer)
                assert answer.read(6) == b"thanks"
        return stall.result()


def download(client: socket.socket, listener: socket.socket, framing: str, size: int) -> float:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
    client.sendall(b"GET /bulk HTTP/1.1\r\nHost: bulk\r\n\r\n")
    with accept(listener) as server, ThreadPoolExecutor(1) as threads:
        with server.makefile("rb") as reader:
            read_head(reader)
        stall = threads.submit(send_message, server, b"HTTP/1.1 200 OK\r\nConnection: close\r\n", framing, size)
        with client.makefile("rb") as reader:
            receive_message(reader, framing, size)
        return stall.result()


def accept(listener: socket.socket) -> socket.socket:
    server, _ = listener.accept()
    server.settimeout(DEADLINE)
    return server


# ---------------------------------------------------------------------- one message


def send_message(sock: socket.socket, head: bytes, framing: str, size: int) -> float:
    """The longest that a `send` took. TCP: the end of the stream is the end of the message."""
    if framing == "length":
        sock.sendall(head + b"Content-Length: %d\r\n\r\n" % size)
    elif framing == "chunked":
        sock.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
    longest = 0.0
    for position in range(0, size, BLOCK):
        block = piece(SEED, position, min(BLOCK, size - position))
        start = time.perf_counter()
        sock.sendall(b"%x\r\n%b\r\n" % (len(block), block) if framing == "chunked" else block)
        longest = max(longest, time.perf_counter() - start)
    if framing == "chunked":
        sock.sendall(b"0\r\n\r\n")
    elif framing == "tcp":
        sock.shutdown(socket.SHUT_WR)
    return longest


def receive_message(reader: BinaryIO, framing: str, size: int) -> None:
    """Slowly. Fails unless exactly `size` bytes come, and the right ones."""
    body = Body(reader)
    if framing == "tcp":
        body.read(size)
        assert reader.read(1) == b"", "more than was sent"
        return
    head = read_head(reader)
    if framing == "length":
        assert b"Content-Length: %d\r\n" % size in head
        body.read(size)
        return
    assert b"Transfer-Encoding: chunked\r\n" in head
    while length := int(reader.readline(), 16):
        body.read(length)
        assert reader.readline() == b"\r\n"
    assert reader.readline() == b"\r\n"
    assert body.position == size


def read_head(reader: BinaryIO) -> bytes:
    return b"".join(iter(reader.readline, b"\r\n"))


class Body:
    """position: bytes read and found right so far."""

    def __init__(self, reader: BinaryIO) -> None:
        self._reader = reader
        self._buffer = memoryview(bytearray(BLOCK))
        self._pause_at = PAUSE_EVERY // 2
        self.position = 0

    def read(self, size: int) -> None:
        end = self.position + size
        while self.position < end:
            most = SIP if self.position < TRICKLE else BLOCK
            count = self._reader.readinto1(self._buffer[: min(most, end - self.position)])  # type: ignore[attr-defined]
            assert count, f"the stream ended after {self.position} bytes"
            check(SEED, self.position, self._buffer[:count])
            self.position += count
            self._dawdle()

    def _dawdle(self) -> None:
        if self.position < TRICKLE:
            time.sleep(BETWEEN_SIPS)
        elif self.position >= self._pause_at:
            self._pause_at += PAUSE_EVERY
            time.sleep(PAUSE)


# ---------------------------------------------------------------------- memory


class Memory:
    """Samples the resident memory of a process until the block ends. growth: the highest above the first sample."""

    EVERY = 0.02  # seconds

    def __init__(self, pid: int) -> None:
        self._path = Path(f"/proc/{pid}/smaps_rollup")  # exact, where the counters of `status` lag behind
        self._first = self._highest = self._sample()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def growth(self) -> int:
        self._highest = max(self._highest, self._sample())
        return self._highest - self._first

    def _watch(self) -> None:
        while not self._done.wait(self.EVERY):
            self._highest = max(self._highest, self._sample())

    def _sample(self) -> int:
        found = re.search(r"^Rss: +(\d+) kB", self._path.read_text(), re.MULTILINE)
        assert found is not None
        return int(found[1]) * 1024

"""A backend that keeps every byte it receives, per connection, and answers each complete request with its number.

It splits its stream with `strict_reader`, so that a stream with no strict reading is never answered; afterwards both
judges read everything again.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from proxy.core.address import TcpAddress
from tests.hostile.strict_reader import Broken, Incomplete, Request, read_all, read_request, read_with_h11

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(frozen=True)
class Seen:
    """number: counts all requests; the answer carries it. connection: its index in `RecordingBackend.streams`."""

    number: int
    connection: int
    request: Request


@dataclass
class Stream:
    """What one connection received: every byte, and the requests that were answered."""

    received: bytearray
    requests: list[Request]


class RecordingBackend:
    """seen: complete requests of all streams in order. complaints: of the reader."""

    def __init__(self, address: TcpAddress) -> None:
        self.address = address
        self.streams: list[Stream] = []
        self.seen: list[Seen] = []
        self.complaints: list[str] = []

    async def serve(self, stream: trio.SocketStream) -> None:
        try:
            await self._serve(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the proxy left within a request, as it should when it refuses the rest
        finally:
            stream.socket.close()

    async def _serve(self, stream: trio.SocketStream) -> None:
        connection, at = len(self.streams), 0
        self.streams.append(Stream(received := bytearray(), []))
        while data := await stream.receive_some(65536):
            received += data
            answers = b""
            while at < len(received):
                try:
                    request, size = read_request(bytes(received[at:]))
                except Incomplete:
                    break
                except Broken as error:
                    self.complaints.append(f"connection {connection}, byte {at}: {error}")
                    return
                at += size
                answers += self._answer(connection, request)
            if answers:
                await stream.send_all(answers)

    def _answer(self, connection: int, request: Request) -> bytes:
        number = len(self.seen)
        self.seen.append(Seen(number, connection, request))
        self.streams[connection].requests.append(request)
        body = b"" if request.method == b"HEAD" else b"number %d" % number
        return b"HTTP/1.1 200 OK\r\nX-Number: %d\r\nContent-Length: %d\r\n\r\n%b" % (number, len(body), body)

    def verdict(self) -> list[str]:
        """What either judge finds wrong with all that was received; empty if every byte reads as what was seen."""
        found = list(self.complaints)
        for connection, stream in enumerate(self.streams):
            complaints = disagreements(bytes(stream.received), stream.requests)
            found += [f"connection {connection}: {complaint}" for complaint in complaints]
        return found


def disagreements(stream: bytes, seen: list[Request]) -> list[str]:
    ours, theirs = read_all(stream), read_with_h11(stream)
    found = [
        f"{name}: {reading.why}" for name, reading in (("reader", ours), ("h11", theirs)) if reading.end == "broken"
    ]
    if [*map(comparable, ours.requests)] != [*map(comparable, theirs.requests)]:
        found.append(f"the judges differ: {ours.requests!r} and {theirs.requests!r}")
    if ours.end != theirs.end:
        found.append(f"the judges see another end: {ours.end} {ours.left!r} and {theirs.end} {theirs.left!r}")
    if list(ours.requests) != seen:
        found.append(f"read again: {ours.requests!r} instead of {seen!r}")
    return found


def comparable(request: Request) -> tuple[object, ...]:
    """h11 gives names as sent, and strips values as the RFC says."""
    return request.method, request.target, request.fields, request.body, request.trailers


@asynccontextmanager
async def recording_backend() -> AsyncIterator[RecordingBackend]:
    sock = trio.socket.socket()
    await sock.bind(("127.0.0.1", 0))
    sock.listen(1024)
    backend = RecordingBackend(TcpAddress(*sock.getsockname()))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, backend.serve, [trio.SocketListener(sock)])
        yield backend
        nursery.cancel_scope.cancel()

"""One HTTP request and its response, as a handler sees them."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from backends._http import Connection
    from backends._tunnel import Tunnel

    Handler = Callable[["Exchange"], Coroutine[Any, Any, None] | None]

Headers = list[tuple[bytes, bytes]]
JSON = b"application/json"
TEXT = b"text/plain"
BINARY = b"application/octet-stream"

_EMPTY_SHA256 = hashlib.sha256().hexdigest()
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


class Exchange:
    """The parser fills in the request; a handler answers with `answer`, or with `begin`, `write` and `end`.

    A handler that has to wait is a coroutine. A streamed one starts at the end of the request head and must read the
    body to its end with `read`; any other starts when the body is complete, of which it sees length and checksum.
    """

    __slots__ = (
        *("_blocks", "_connection", "_hash", "_is_chunked", "_sends_body", "_waiter"),
        *("body_length", "expects_continue", "handler", "headers", "is_complete", "is_streamed", "keep_alive"),
        *("method", "target", "trailers", "version", "wants_upgrade"),
    )

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._hash: hashlib._Hash | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._blocks: deque[bytes] = deque()
        self._is_chunked = False
        self._sends_body = True
        self.handler: Handler
        self.method = b""
        self.target = b""
        self.version = "1.1"
        self.headers: Headers = []
        self.trailers: Headers = []
        self.body_length = 0
        self.expects_continue = self.is_complete = self.is_streamed = self.wants_upgrade = False
        self.keep_alive = True

    # The request.

    @property
    def path(self) -> bytes:
        return self.target.partition(b"?")[0]

    @property
    def query(self) -> bytes:
        return self.target.partition(b"?")[2]

    @property
    def body_sha256(self) -> str:
        return self._hash.hexdigest() if self._hash else _EMPTY_SHA256

    @property
    def buffered(self) -> int:
        return sum(map(len, self._blocks))

    def header(self, name: bytes) -> bytes:
        return next((value for key, value in self.headers if key.lower() == name), b"")

    def feed(self, block: bytes) -> None:
        """A piece of the body arrived: kept for `read`, or counted and forgotten."""
        self.body_length += len(block)
        if self.is_streamed:
            self._blocks.append(block)
            self.wake()
            return
        if self._hash is None:
            self._hash = hashlib.sha256()
        self._hash.update(block)

    def wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    async def read(self) -> bytes:
        """The next piece of a streamed body, b"" at its end."""
        while not self._blocks and not self.is_complete:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        block = self._blocks.popleft() if self._blocks else b""
        self._connection.regulate()
        return block

    # The response.

    def answer(self, status: int, body: bytes, content_type: bytes = JSON) -> None:
        """A whole response at once: for bodies that are small."""
        head = self._head(status, content_type, len(body))
        self._connection.transport.write(head + body if self._has_body(status) else head)

    def begin(self, status: int, content_type: bytes, length: int | None = None) -> None:
        """Without a length the body is chunked, or ends at close for an HTTP/1.0 client."""
        self._is_chunked = length is None and self.version == "1.1"
        self._sends_body = self._has_body(status)
        self.keep_alive = self.keep_alive and (self._is_chunked or length is not None)
        self._connection.transport.write(self._head(status, content_type, length))

    async def write(self, block: bytes) -> None:
        """One non-empty piece of the body; waits while the client is slower. Dropped where no body is due."""
        if not self._sends_body:
            return
        frame = b"%x\r\n%b\r\n" % (len(block), block) if self._is_chunked else block
        self._connection.transport.write(frame)
        await self._connection.drained()

    def end(self) -> None:
        if self._is_chunked and self._sends_body:
            self._connection.transport.write(b"0\r\n\r\n")

    def switch(self, protocol: bytes, tunnel: Tunnel, headers: bytes = b"") -> None:
        """Answers 101; everything behind this request belongs to the tunnel."""
        head = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %b\r\n%b\r\n"
        self._connection.transport.write(head % (protocol, headers))
        self._connection.tunnel = tunnel

    def _has_body(self, status: int) -> bool:
        return self.method != b"HEAD" and status not in (204, 304)

    def _head(self, status: int, content_type: bytes, length: int | None) -> bytes:
        line = _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
        return b"%b%b%b\r\n" % (line, self._framing(status, content_type, length), self._persistence())

    def _framing(self, status: int, content_type: bytes, length: int | None) -> bytes:
        if status == 204:  # RFC 9110 8.6: no Content-Length in it
            return b""
        if length is not None:
            return b"Content-Type: %b\r\nContent-Length: %d\r\n" % (content_type, length)
        chunked = b"Transfer-Encoding: chunked\r\n" if self._is_chunked else b""
        return b"Content-Type: %b\r\n%b" % (content_type, chunked)

    def _persistence(self) -> bytes:
        if not self.keep_alive:
            return b"Connection: close\r\n"
        return b"" if self.version == "1.1" else b"Connection: keep-alive\r\n"

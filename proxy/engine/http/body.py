"""Bodies that are rewritten on their way: chunks checked and made anew, added, or taken off (RFC 9112 section 7.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from proxy.core.chunked import LAST_CHUNK, ChunkedDecoder, ChunkError, encode_chunk, encode_trailers
from proxy.core.errors import BadRequest
from proxy.core.headers import allowed_trailers
from proxy.engine.flow import BLOCKED, DONE, DRY, LARGE_READ, MAX_ROUNDS, MORE, Flow, SourceError

if TYPE_CHECKING:
    from proxy.engine.sock import Sock


class Codec(Protocol):
    """is_done: the body is complete; rest: what came behind it and belongs to the next message."""

    @property
    def is_done(self) -> bool: ...
    @property
    def rest(self) -> bytes: ...

    def feed(self, data: bytes) -> bytes:
        """What goes to the sink for `data`. Raises ChunkError."""

    def end(self) -> bytes:
        """What goes to the sink when the source ended. Raises ChunkError if it may not end here."""


class _FromChunks:
    """limit: most bytes of body, 0 for any; over it BadRequest with status 413 is raised."""

    def __init__(self, limit: int = 0) -> None:
        self._decoder = ChunkedDecoder()
        self._limit = limit
        self._size = 0
        self.is_done = False
        self.rest = b""

    def _decode(self, data: bytes) -> bytes:
        pieces = self._decoder.feed(data)
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if self._limit:
            self._size += len(body)
            if self._size > self._limit:
                raise BadRequest("body-too-large", f"over {self._limit} bytes", status=413)
        if self._decoder.complete:
            self.is_done = True
            self.rest = self._decoder.rest
        return body

    def end(self) -> bytes:
        raise ChunkError("the connection ended within the chunks")


class Rechunk(_FromChunks):
    """Chunked to chunked: one chunk per read whatever the sender's were, extensions dropped.

    with_trailers: those that may be passed on are; otherwise all are dropped."""

    def __init__(self, limit: int = 0, *, with_trailers: bool = True) -> None:
        super().__init__(limit)
        self._with_trailers = with_trailers

    def feed(self, data: bytes) -> bytes:
        body = self._decode(data)
        chunk = encode_chunk(body) if body else b""
        if not self.is_done:
            return chunk
        trailers = allowed_trailers(self._decoder.trailers) if self._with_trailers else []
        return chunk + (encode_trailers(trailers) if trailers else LAST_CHUNK)


class DropChunks(_FromChunks):
    """Chunked to bare, for a client of HTTP/1.0: the connection's end is the body's."""

    def feed(self, data: bytes) -> bytes:
        return self._decode(data)


class AddChunks:
    """Bare to chunked, for a body that ends with the backend's connection: the client's goes on."""

    is_done = False
    rest = b""

    def feed(self, data: bytes) -> bytes:
        return encode_chunk(data) if data else b""

    def end(self) -> bytes:
        self.is_done = True
        return LAST_CHUNK


class Counted:
    """A body of `left` more bytes, as it is."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.is_done = not left
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        body, self.rest = data[: self.left], data[self.left :]
        self.left -= len(body)
        self.is_done = not self.left
        return body

    def end(self) -> bytes:
        """Whoever owns the flow sees from `is_ended` that the body is short."""
        self.is_done = True
        return b""


class CodecFlow(Flow):
    """A flow whose bytes pass through a codec. They cannot go by pipe."""

    __slots__ = ("codec",)

    def __init__(self, source: Sock, sink: Sock, codec: Codec) -> None:
        super().__init__(source, sink)
        self.codec = codec

    def pump(self) -> int:
        """Like `Flow.pump`; raises ChunkError and BadRequest too."""
        codec = self.codec
        if self._pending and not self._flush():
            return BLOCKED
        for _ in range(MAX_ROUNDS):
            if codec.is_done:
                return DONE
            try:
                data = self._recv(LARGE_READ)
            except BlockingIOError:
                return DRY
            except OSError as error:
                raise SourceError from error
            self.left -= len(data)
            if data:
                self._pending = codec.feed(data)
            else:
                self.is_ended = True
                self._pending = codec.end()
            if self._pending and not self._flush():
                return BLOCKED
            if len(data) < LARGE_READ and not self.hang_up:
                return DONE if codec.is_done else DRY
        return MORE

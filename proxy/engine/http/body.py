"""Bodies that are rewritten on their way: chunks checked and made anew, added, or taken off (RFC 9112 section 7.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from proxy.core.errors import BadRequest
from proxy.core.http.chunked import LAST_CHUNK, ChunkedDecoder, ChunkError, encode_chunk, encode_trailers
from proxy.core.http.headers import allowed_trailers
from proxy.engine.flow import BLOCKED, DONE, DRY, LARGE_READ, MAX_ROUNDS, MORE, Flow, SourceError

if TYPE_CHECKING:
    from proxy.engine.sock import Sock


DENSE = 32  # bytes for each chunk, its frame counted: below that the chunks are what costs, not the bytes
DENSE_READ = 4 * 1024


class Codec(Protocol):
    """is_done: the body is complete; rest: what came behind it and belongs to the next message.
    pieces: how many there were in what was fed last."""

    @property
    def is_done(self) -> bool: ...
    @property
    def rest(self) -> bytes: ...
    @property
    def pieces(self) -> int: ...

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
        self.pieces = 0

    def _decode(self, data: bytes) -> bytes:
        pieces = self._decoder.feed(data)
        self.pieces = len(pieces)
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

    with_trailers: those that may be passed on are; otherwise all are dropped. withheld: lower-case names of others that
    a policy decides, so that nobody speaks in their name behind a body."""

    def __init__(self, limit: int = 0, *, with_trailers: bool = True, withheld: frozenset[bytes] = frozenset()) -> None:
        super().__init__(limit)
        self._with_trailers = with_trailers
        self._withheld = withheld

    def feed(self, data: bytes) -> bytes:
        body = self._decode(data)
        chunk = encode_chunk(body) if body else b""
        if not self.is_done:
            return chunk
        trailers = allowed_trailers(self._decoder.trailers) if self._with_trailers else []
        trailers = [trailer for trailer in trailers if trailer[0].lower() not in self._withheld]
        return chunk + (encode_trailers(trailers) if trailers else LAST_CHUNK)


class DropChunks(_FromChunks):
    """Chunked to bare, for a client of HTTP/1.0: the connection's end is the body's."""

    def feed(self, data: bytes) -> bytes:
        return self._decode(data)


class AddChunks:
    """Bare to chunked, for a body that ends with the backend's connection: the client's goes on."""

    is_done = False
    rest = b""
    pieces = 0

    def feed(self, data: bytes) -> bytes:
        return encode_chunk(data) if data else b""

    def end(self) -> bytes:
        self.is_done = True
        return LAST_CHUNK


class Counted:
    """A body of `left` more bytes, as it is."""

    pieces = 0

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
    """A flow whose bytes pass through a codec. They cannot go by pipe.

    64 KiB in chunks of one byte are 4.4 ms of work, and a wake-up may read that 16 times. So whoever sends tiny chunks
    gets one read per wake-up, of DENSE_READ: 0.3 ms, and then it is the others' turn.
    """

    __slots__ = ("codec",)

    def __init__(self, source: Sock, sink: Sock, codec: Codec) -> None:
        super().__init__(source, sink)
        self.codec = codec
        self._read_size = LARGE_READ

    def pump(self) -> int:
        """Like `Flow.pump`; raises ChunkError and BadRequest too."""
        codec, size = self.codec, self._read_size
        if self._pending and not self._flush():
            return BLOCKED
        for _ in range(MAX_ROUNDS):
            if codec.is_done:
                return DONE
            try:
                data = self._recv(size)
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
            if len(data) < size and not self.hang_up:
                return DONE if codec.is_done else DRY
            if codec.pieces * DENSE > len(data):
                self._read_size = DENSE_READ
                return MORE
            self._read_size = size = LARGE_READ
        return MORE

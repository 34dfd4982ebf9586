"""Requests of one client connection: bytes in, each whole request out as the bytes for an application. No socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.core.errors import BadRequest
from proxy.core.http.chunked import LAST_CHUNK, ChunkedDecoder, ChunkError, encode_chunk
from proxy.core.http.framing import CHUNKED, END_OF_HEAD
from proxy.core.http.head_cache import HeadCache
from proxy.core.http.request import RequestParser, could_be_request

if TYPE_CHECKING:
    from proxy.core.http.request import RequestHead

LARGEST_HEAD = 65536  # bytes
_EXPECT = b"Expect: 100-continue\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """content: what the application gets: head, and body if there is one."""

    head: RequestHead
    content: bytes


class RequestHeads:
    """Checked once for each that is new: clients repeat themselves. No upgrades: a job has one answer."""

    def __init__(self) -> None:
        self._cache: HeadCache[RequestHead] = HeadCache()
        self._parser = RequestParser(upgrades=())

    def parse(self, data: bytes) -> RequestHead:
        """Raises BadRequest."""
        head = self._cache.find(data)
        if head is None:
            head = self._parser.parse(data)
            self._cache.offer(data, head)
        return head


class Requests:
    """Of one connection. largest: bytes of a whole request."""

    def __init__(self, heads: RequestHeads, largest: int) -> None:
        self._heads, self._largest = heads, largest
        self._held = bytearray()
        self._head: RequestHead | None = None
        self._chunks: ChunkedDecoder | None = None
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> None:
        self._held += data

    def next(self) -> Request | None:
        """The next one that is whole. Raises BadRequest, after which there are no more."""
        if self._head is None and not self._begin():
            return None
        head = self._head
        assert head is not None
        body = self._take_chunks(self._chunks) if self._chunks is not None else self._take(head.length)
        if body is None:
            return None
        self._head = self._chunks = None
        return Request(head, b"%b\r\n%b" % (head.forward.replace(_EXPECT, b""), body))

    def wants_to_go_on(self) -> bool:
        """Whether the client waits for `100 Continue` before it sends the body; told once."""
        waits = self._head is not None and self._head.expects_100 and not self._held and not self._pieces
        if waits and self._head is not None:
            self._head = self._head.copy(self._head.forward)
            self._head.expects_100 = False
        return waits

    def _begin(self) -> bool:
        while self._held.startswith(b"\r\n"):  # RFC 9112 section 2.2
            del self._held[:2]
        end = self._held.find(END_OF_HEAD) + 4
        if end == 3:
            if len(self._held) > LARGEST_HEAD:
                raise BadRequest("head-too-large", f"over {LARGEST_HEAD} bytes", status=431)
            if self._held and not could_be_request(bytes(self._held[:LARGEST_HEAD])):
                raise BadRequest("syntax", "this does not begin as a request does")
            return False
        self._head = self._heads.parse(bytes(self._held[:end]))
        del self._held[:end]
        self._check_size(self._head.length)
        self._chunks = ChunkedDecoder() if self._head.length == CHUNKED else None
        return True

    def _take(self, length: int) -> bytes | None:
        if len(self._held) < length:
            return None
        body = bytes(self._held[:length])
        del self._held[:length]
        return body

    def _take_chunks(self, chunks: ChunkedDecoder) -> bytes | None:
        """Trailers are left out, as any recipient may (RFC 9110 section 6.5.1)."""
        data = bytes(self._held)
        self._held.clear()
        try:
            self._pieces += chunks.feed(data) if data else []
        except ChunkError as error:
            raise BadRequest("chunks", str(error)) from None
        self._check_size(sum(map(len, self._pieces)))
        if not chunks.complete:
            return None
        self._held += chunks.rest
        body = b"".join(self._pieces)
        self._pieces.clear()
        return encode_chunk(body) + LAST_CHUNK

    def _check_size(self, size: int) -> None:
        if size > self._largest:
            raise BadRequest("too-large", f"over {self._largest} bytes do not fit into a job", status=413)

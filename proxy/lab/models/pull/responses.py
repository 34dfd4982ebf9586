"""Responses of an application: bytes in, each whole response out as the bytes for a client. No socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.http.chunked import ChunkedDecoder, ChunkError
from proxy.core.http.framing import CHUNKED, END_OF_HEAD, UNTIL_CLOSE
from proxy.lab.response_heads import LARGEST_HEAD, Garbled

if TYPE_CHECKING:
    from proxy.core.http.response import ResponseHead
    from proxy.lab.response_heads import ResponseHeads


class Response:
    """The one response to come. content: when it is whole, head and body, with a length if it has a body.
    keep_alive: the connection may be used again."""

    def __init__(self, heads: ResponseHeads, largest: int, *, is_to_head: bool) -> None:
        """largest: bytes of all. is_to_head: it answers HEAD, so it has no body."""
        self._heads, self._largest, self._is_to_head = heads, largest, is_to_head
        self._held = bytearray()
        self._head: ResponseHead | None = None
        self._chunks: ChunkedDecoder | None = None
        self._size = 0
        self.content = b""
        self.keep_alive = False

    def feed(self, data: bytes) -> bool:
        """Whether it is whole now. Raises Garbled."""
        self._size += len(data)
        if self._size > self._largest:
            raise Garbled(f"a response of over {self._largest} bytes")
        if self._head is None:
            self._held += data
            data = self._read_heads()
            if self._head is None:
                return False
        return self._read_body(self._head, data)

    def end(self) -> bool:
        """The application closed. Whether that was the proper end."""
        head = self._head
        if head is None or head.length != UNTIL_CLOSE or self._is_to_head:
            return False
        self._finish(head)
        return True

    def _read_heads(self) -> bytes:
        """Until the final one; what is behind it."""
        while (end := self._held.find(END_OF_HEAD) + 4) != 3:
            head = self._heads.parse(bytes(self._held[:end]))
            del self._held[:end]
            if head.is_final:
                self._head = head
                self._chunks = ChunkedDecoder() if head.length == CHUNKED else None
                rest = bytes(self._held)
                self._held.clear()
                return rest
        if len(self._held) > LARGEST_HEAD:
            raise Garbled(f"no end of the head within {LARGEST_HEAD} bytes")
        return b""

    def _read_body(self, head: ResponseHead, data: bytes) -> bool:
        if self._is_to_head:
            is_whole, extra = True, len(data)
        elif self._chunks is not None:
            try:
                self._held += b"".join(self._chunks.feed(data)) if data else b""
            except ChunkError as error:
                raise Garbled(str(error)) from None
            is_whole, extra = self._chunks.complete, self._chunks.complete and len(self._chunks.rest)
        else:
            self._held += data
            is_whole, extra = 0 <= head.length <= len(self._held), head.length >= 0 and len(self._held) - head.length
        if is_whole and extra > 0:
            raise Garbled(f"{extra} bytes behind the response")
        if is_whole:
            self._finish(head)
        return is_whole

    def _finish(self, head: ResponseHead) -> None:
        self.keep_alive = head.keep_alive
        length = b"" if self._is_to_head or head.length >= 0 else b"Content-Length: %d\r\n" % len(self._held)
        self.content = b"%b%b\r\n%b" % (head.forward, length, bytes(self._held))


def plain(status: int, text: str) -> bytes:
    """A response of our own, as `Response.content`: "502 …" with a line of text."""
    body = text.encode() + b"\n"
    reason = _REASONS.get(status, b"Error")
    return b"HTTP/1.1 %d %b\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b" % (
        status, reason, len(body), body,
    )  # fmt: skip


_REASONS = {502: b"Bad Gateway", 504: b"Gateway Timeout", 400: b"Bad Request", 413: b"Content Too Large"}


def with_connection(content: bytes, *, is_1_1: bool, keep_alive: bool) -> bytes:
    """For a client to which it has to be said whether the connection goes on (RFC 9112 section 9.3)."""
    if keep_alive and is_1_1:
        return content
    head, _, body = content.partition(END_OF_HEAD)
    return b"%b\r\nConnection: %b%b%b" % (head, b"keep-alive" if keep_alive else b"close", END_OF_HEAD, body)

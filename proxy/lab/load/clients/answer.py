"""Where the answer to a GET ends, and what it says: bytes in, no socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.http.chunked import ChunkedDecoder, ChunkError
from proxy.core.http.framing import END_OF_HEAD, UNTIL_CLOSE
from proxy.lab.response_heads import LARGEST_HEAD, Garbled

if TYPE_CHECKING:
    from proxy.core.http.response import ResponseHead
    from proxy.lab.response_heads import ResponseHeads


class Answers:
    """The answers on one connection, one at a time.

    status, keep_alive: of the last whole one.
    """

    __slots__ = ("_chunks", "_head", "_heads", "_held", "_left", "keep_alive", "status")

    def __init__(self, heads: ResponseHeads) -> None:
        self._heads = heads
        self._held = b""
        self._head: ResponseHead | None = None
        self._left = 0
        self._chunks: ChunkedDecoder | None = None
        self.status = 0
        self.keep_alive = True

    def feed(self, data: bytes) -> bool:
        """Whether the answer is whole now. data: what came, never empty. Raises Garbled."""
        while self._head is None:
            if self._held:
                data, self._held = self._held + data, b""
            end = data.find(END_OF_HEAD) + 4
            if end == 3:
                if len(data) > LARGEST_HEAD:
                    raise Garbled(f"no end of the head within {LARGEST_HEAD} bytes")
                self._held = data
                return False
            text = data[:end]
            head = self._heads.known(text) or self._heads.parse(text)
            data = data[end:]
            if head.is_final:
                self._begin(head)
            elif not data:
                return False  # 1xx: the answer follows
        return self._read_body(data)

    def end(self) -> bool:
        """The server closed. Whether that was the proper end of the answer."""
        if self._head is None or self._head.length != UNTIL_CLOSE:
            return False
        return self._finish(self._head)

    def _begin(self, head: ResponseHead) -> None:
        self._head = head
        self._left = head.length
        if head.length < 0 and head.length != UNTIL_CLOSE:
            self._chunks = ChunkedDecoder()

    def _read_body(self, data: bytes) -> bool:
        head = self._head
        assert head is not None
        if self._chunks is not None:
            return self._read_chunks(head, self._chunks, data)
        if head.length == UNTIL_CLOSE:
            return False
        self._left -= len(data)
        if self._left > 0:
            return False
        if self._left < 0:
            raise Garbled(f"{-self._left} bytes behind the answer")
        return self._finish(head)

    def _read_chunks(self, head: ResponseHead, chunks: ChunkedDecoder, data: bytes) -> bool:
        if data:
            try:
                chunks.feed(data)
            except ChunkError as error:
                raise Garbled(str(error)) from None
        if not chunks.complete:
            return False
        if chunks.rest:
            raise Garbled(f"{len(chunks.rest)} bytes behind the answer")
        self._chunks = None
        return self._finish(head)

    def _finish(self, head: ResponseHead) -> bool:
        self._head = None
        self.status, self.keep_alive = head.status, head.keep_alive
        return True

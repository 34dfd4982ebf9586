"""Heads of responses, parsed once for each that is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.errors import BadResponse
from proxy.core.http.head_cache import HeadCache
from proxy.core.http.response import ResponseParser

if TYPE_CHECKING:
    from proxy.core.http.response import ResponseHead

LARGEST_HEAD = 65536  # bytes


class Garbled(Exception):
    """It is no HTTP/1 response, or one that is larger than may be, or something follows it that nobody asked for."""


class ResponseHeads:
    """Of one server: they repeat themselves until their Date moves on. known: a head that was parsed, by its bytes."""

    def __init__(self) -> None:
        self._cache: HeadCache[ResponseHead] = HeadCache()
        self._parser = ResponseParser()
        self.known = self._cache.hot.get

    def parse(self, data: bytes) -> ResponseHead:
        """Raises Garbled."""
        head = self._cache.find(data)
        if head is None:
            try:
                head = self._parser.parse(data)
            except BadResponse as error:
                raise Garbled(str(error)) from None
            self._cache.offer(data, head)
        return head

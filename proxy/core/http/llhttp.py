"""llhttp as the judge of whole heads: it says yes or why not, all leniencies off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import httptools

if TYPE_CHECKING:
    from collections.abc import Callable


class _Parser(Protocol):
    def feed_data(self, data: bytes) -> None: ...


class Judge:
    """new_parser: httptools.HttpRequestParser or HttpResponseParser.

    It is asked about whole heads only, never a byte behind the blank line, because it cannot stop between pipelined
    messages nor say where one ended. It has no call-back per field: taking the lines apart is faster by ourselves
    (`field_lines`), and what it accepted has exactly one reading, a field per CRLF.
    A parser is used again for the head that follows a whole message, which saves 0.5 us. `forget` it where the
    connection ends: it would refuse the next head, and only then would a new one be asked.
    """

    __slots__ = ("_is_head_whole", "_is_message_over", "_new_parser", "_parser")

    def __init__(self, new_parser: Callable[[object], _Parser]) -> None:
        self._new_parser = new_parser
        self._parser: _Parser | None = None
        self._is_head_whole = False
        self._is_message_over = False

    def check(self, data: bytes) -> None:
        """Raises httptools.HttpParserError."""
        self._is_head_whole = self._is_message_over = False
        parser, is_new = self._parser, False
        if parser is None:
            parser = self._parser = self._new_parser(self)
            is_new = True
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._parser = None
            return  # a wish, or a 101: who may grant it is decided elsewhere
        except httptools.HttpParserError:
            self._parser = None
            if is_new:
                raise
            self.check(data)  # by a new one: the fault may lie with an earlier head, as after `Proxy-Connection: close`
            return
        if not self._is_message_over:
            self._parser = None  # it waits for a body
            if not self._is_head_whole:
                raise httptools.HttpParserError("the head does not end at its first blank line")

    def forget(self) -> None:
        """The head checked last was the last of its connection."""
        self._parser = None

    def on_headers_complete(self) -> None:
        self._is_head_whole = True

    def on_message_complete(self) -> None:
        self._is_message_over = True

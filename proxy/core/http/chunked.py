"""Bodies in chunks: HTTP/1.1's framing when the length is not known beforehand (RFC 9112, section 7.1).

Why our own: httptools can neither say where a message ended nor stop there, so whoever uses it cannot tell which bytes
follow the last chunk: the next request of a pipeline, or what was smuggled in behind the body.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LAST_CHUNK = b"0\r\n\r\n"
MAX_SIZE_LINE = 256  # bytes of a chunk-size line with its extensions and its CRLF; the patterns below count them
MAX_TRAILERS = 8192  # bytes of the trailer section

# Each pattern that takes a whole line has a twin that takes any beginning of one. Where a line does not match, the twin
# tells "not all here yet" from "wrong" at the first wrong byte, so nobody waits for more of a broken line, and what is
# held from one read to the next is never longer than a valid line.

# A size is 1 to 16 digits: no sign, "_", "0x" or blank, all of which int() would take; 16 digits reach 2**64 - 1.
# Extensions are dropped, so only their end matters: they may hold any byte but control characters, one of which some
# other parser might take for the end of the line. Blanks around ";" are legal (BWS), but llhttp, so Node.js, refuses
# them, and no client in use sends them. Before ";" they are refused here too; after it they are harmless, and taken.
_SIZE = rb"([0-9A-Fa-f]{1,16})(?:;[\t -~\x80-\xff]{0,%d})?" % (MAX_SIZE_LINE - len("0123456789abcdef;\r\n"))
_FIRST = re.compile(rb"%b\r\n" % _SIZE)
_NEXT = re.compile(rb"\r\n%b\r\n" % _SIZE)  # with the CRLF that ends the chunk before it: one match per chunk, not two

# RFC 9110, sections 5.1 and 5.5. A line that begins with a blank (obs-fold) has no name, so it does not match.
_NAME = rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)"
_VALUE = rb"([\t -~\x80-\xff]*)"
_FIELD = re.compile(rb"%b:%b\r\n" % (_NAME, _VALUE))

_BEGINNING = {  # the twins; each matches the empty string too
    _FIRST: ("chunk-size line", re.compile(rb"(?:%b\r?)?" % _SIZE)),
    _NEXT: ("end of a chunk", re.compile(rb"\r?")),
    _FIELD: ("trailer", re.compile(rb"\r|(?:%b(?::%b\r?)?)?" % (_NAME, _VALUE))),
}


class ChunkError(ValueError):
    """The bytes are not a chunked body. The message is short and repeats at most 21 of them, escaped."""


class ChunkedDecoder:
    """Takes a body apart as it arrives. After a ChunkError it is of no further use: close the connection.

    complete: the last chunk and the trailer section were seen.
    rest: once complete, the bytes that came after them.
    trailers: once complete, the trailer fields in order; names as sent, values without the blanks around them. Which
    fields may not stand here (framing, routing, authentication: RFC 9110, section 6.5.1) is for the caller to apply.

    Holds at most max(MAX_SIZE_LINE, max_trailers) bytes between two calls.
    On one core: 0.15 us for a read inside a chunk, at any size; 2.5 us for a chunk of 64 KiB, most of it one copy; 1 us
    for a read of one small chunk; 0.4 us per chunk when thousands come in one read (6 times what llhttp takes), so a
    peer that sends chunks of one byte gets 15 MB/s out of a core.
    """

    __slots__ = ("_held", "_left", "_line", "_room", "complete", "rest", "trailers")

    def __init__(self, *, max_trailers: int = MAX_TRAILERS) -> None:
        """max_trailers: bytes of the trailer section with the CRLF that ends it, so 2 forbids trailers."""
        self.complete = False
        self.rest = b""
        self.trailers: list[tuple[bytes, bytes]] = []
        self._line = _FIRST  # what comes after the data of the current chunk
        self._left = 0  # bytes of data that the current chunk still lacks
        self._held = b""  # the beginning of a line; empty while `_left` is not 0
        self._room = max_trailers

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces of the body in `data`, in order; none is empty, and there may be none.

        Raises ChunkError at the first byte that cannot be part of a chunked body; the pieces before it are lost.
        Raises ValueError if the body was complete already. O(len(data)), however many chunks that is.
        """
        left, size = self._left, len(data)
        if size <= left:  # inside a large chunk: nothing to parse, nothing to copy
            self._left = left - size
            return [data] if data else []
        if self.complete:
            raise ValueError("the body was complete already")
        self._left = 0
        pieces = [data[:left]] if left else []
        data, self._held = self._held + data, b""  # b"" + data is data, not a copy
        if self._line is _FIELD:
            self._read_trailers(data, 0)
        else:
            self._read_chunks(data, left, pieces)
        return pieces

    def _read_chunks(self, data: bytes, position: int, pieces: list[bytes]) -> None:
        """position: where the data of the last chunk ended, and a line begins."""
        size = len(data)
        while line := self._line.match(data, position):
            start = line.end()
            length = int(line[1], 16)
            if not length:
                self._read_trailers(data, start)
                return
            self._line = _NEXT
            position = start + length
            if position >= size:
                self._left = position - size
                if start < size:
                    pieces.append(data[start:])
                return
            pieces.append(data[start:position])
        if self._line is _NEXT and data.startswith(b"\r\n", position):  # else it would be held after most reads
            self._line = _FIRST
            position += 2
        self._hold(data, position)

    def _read_trailers(self, data: bytes, position: int) -> None:
        self._line = _FIELD
        while not data.startswith(b"\r\n", position):
            line = _FIELD.match(data, position)
            if line is None:
                self._hold(data, position)
                return
            self._check_room(line.end() - position)
            self._room -= line.end() - position
            self.trailers.append((line[1], line[2].strip(b"\t ")))
            position = line.end()
        self._check_room(2)
        self.complete = True
        self.rest = data[position + 2 :]

    def _hold(self, data: bytes, position: int) -> None:
        """Keep the beginning of a line for the next call. Raises ChunkError if it cannot be one."""
        if position == len(data):  # as after most reads: peers write whole chunks
            return
        what, beginning = _BEGINNING[self._line]
        match = beginning.match(data, position)
        end = match.end() if match else position
        if end < len(data):
            before = data[max(position, end - 20) : end]
            raise ChunkError(f"bad or overlong {what}: {data[end : end + 1]!r} after {before!r}")
        if self._line is _FIELD:
            self._check_room(end - position)
        self._held = data[position:]

    def _check_room(self, size: int) -> None:
        if size > self._room:
            raise ChunkError("the trailer section is too long")


def encode_chunk(data: bytes) -> bytes:
    """One chunk; nothing for no data, because an empty chunk would end the body. One copy of `data`."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def encode_trailers(trailers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The last chunk and the trailer fields; LAST_CHUNK if there are none. Unchecked: a decoder has validated them."""
    return b"0\r\n%b\r\n" % b"".join([b"%b: %b\r\n" % field for field in trailers])

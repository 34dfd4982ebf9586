"""What a TLS client says in clear before anything is encrypted: the name it wants and the protocols it speaks.

ClientHello: RFC 8446 section 4.1.2; records: section 5.1; server name: RFC 6066 section 3; ALPN: RFC 7301 section 3.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.core.errors import BadHello

if TYPE_CHECKING:
    from collections.abc import Iterator

# All bytes, record headers included. Browsers send 0.5 to 2 KiB, the larger ones with post-quantum keys.
MAX_SIZE = 16 * 1024

_RECORD_HEADER = 5
_MAX_RECORD = 2**14
_MESSAGE_HEADER = 4
_HANDSHAKE, _CLIENT_HELLO = 22, 1
_SERVER_NAME, _ALPN = 0, 16  # extensions
_HOST_NAME = 0
_NAME = re.compile(rb"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")


@dataclass(frozen=True, slots=True)
class ClientHello:
    """server_name: lower case, empty when the client names none. alpn: the client's order."""

    server_name: str
    alpn: tuple[bytes, ...]


class HelloReader:
    """Takes the first bytes of a connection as they come, over any number of segments and of records."""

    def __init__(self) -> None:
        self._size = 0  # of what was taken in, records with their headers
        self._header = b""  # as much of a record's header as has come
        self._left = 0  # bytes of the present record still to come
        self._message = bytearray()

    def feed(self, data: bytes) -> ClientHello | None:
        """None while it is not complete. What follows a complete one is not looked at.

        Raises BadHello, at the same byte however the bytes were split.
        """
        at = 0
        while at < len(data):
            if not self._left:
                missing = _RECORD_HEADER - len(self._header)
                self._header += data[at : at + missing]
                at += missing
                self._check_header()
                continue
            part = data[at : at + self._left]
            at += len(part)
            self._left -= len(part)
            self._message += part
            if self._is_complete():
                return _parse(bytes(self._message[_MESSAGE_HEADER:]))
        return None

    def _check_header(self) -> None:
        """As soon as its bytes are there, so that a client of another protocol hears of it before it has sent five."""
        header = self._header
        if header[0] != _HANDSHAKE or (len(header) > 1 and header[1] != 3):  # every version since SSL 3.0 is 3.x
            if self._message:
                raise BadHello(detail="another record stands within it")
            raise BadHello("not-tls", "this is not a TLS handshake")
        if len(header) < _RECORD_HEADER:
            return
        length = int.from_bytes(header[3:])
        if not 0 < length <= _MAX_RECORD:
            raise BadHello(detail=f"a record of {length} bytes")
        self._size += _RECORD_HEADER + length
        if self._size > MAX_SIZE:
            raise _too_large()
        self._header = b""
        self._left = length

    def _is_complete(self) -> bool:
        message = self._message
        if message[0] != _CLIENT_HELLO:
            raise BadHello(detail="the handshake begins with another message")
        if len(message) < _MESSAGE_HEADER:
            return False
        length = int.from_bytes(message[1:_MESSAGE_HEADER])
        if length > MAX_SIZE:
            raise _too_large()
        del message[_MESSAGE_HEADER + length :]
        return len(message) == _MESSAGE_HEADER + length


def _too_large() -> BadHello:
    return BadHello("client-hello-too-large", f"over {MAX_SIZE} bytes")


def _parse(body: bytes) -> ClientHello:
    """body: the message without its header. Every length is checked, those of what we do not need too."""
    cursor = _Cursor(body)
    cursor.take(2 + 32, "version and random")
    cursor.vector(1, "session", 0, 32)
    if cursor.vector(2, "cipher suites", 2).left % 2:
        raise BadHello(detail="cipher suites: half a suite at the end")
    cursor.vector(1, "compression methods", 1)
    extensions = _extensions(cursor) if cursor.left else {}  # TLS 1.2 allows none at all
    name = extensions.get(_SERVER_NAME)
    alpn = extensions.get(_ALPN)
    return ClientHello(_server_name(name) if name else "", _protocols(alpn) if alpn else ())


def _extensions(cursor: _Cursor) -> dict[int, _Cursor]:
    """By type; none may come twice (RFC 8446 section 4.2)."""
    found: dict[int, _Cursor] = {}
    block = cursor.vector(2, "extensions")
    cursor.end("extensions")
    while block.left:
        kind = block.number(2, "extension")
        if kind in found:
            raise BadHello(detail=f"extension {kind} comes twice")
        found[kind] = block.vector(2, "extension")
    return found


def _server_name(extension: _Cursor) -> str:
    names = extension.vector(2, "server name list", 1)
    extension.end("server name")
    found: dict[int, bytes] = {}
    while names.left:
        kind = names.number(1, "server name")
        if kind in found:
            raise BadHello(detail="two server names of one type")
        name = names.vector(2, "server name", 1)  # every type of name begins with its length (RFC 6066 section 3)
        found[kind] = name.take(name.left, "server name")
    host = found.get(_HOST_NAME, b"")
    if host and not _NAME.fullmatch(host):
        raise BadHello(detail="the server name is not a host name")
    return host.decode().lower().rstrip(".")


def _protocols(extension: _Cursor) -> tuple[bytes, ...]:
    names = extension.vector(2, "ALPN list", 2)
    extension.end("ALPN")
    return tuple(_each_protocol(names))


def _each_protocol(names: _Cursor) -> Iterator[bytes]:
    while names.left:
        name = names.vector(1, "ALPN protocol", 1)
        yield name.take(name.left, "ALPN protocol")


class _Cursor:
    """Reads from the front of some bytes and never past their end. Every method raises BadHello.

    what: the name of the part, for the message of the error.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, size: int, what: str) -> bytes:
        if size > self.left:
            raise BadHello(detail=f"{what}: {size} bytes said, {self.left} there")
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, size: int, what: str) -> int:
        return int.from_bytes(self.take(size, what))

    def vector(self, size: int, what: str, least: int = 0, most: int = MAX_SIZE) -> _Cursor:
        """What follows a length of `size` bytes."""
        length = self.number(size, what)
        if not least <= length <= most:
            raise BadHello(detail=f"{what}: a length of {length}")
        return _Cursor(self.take(length, what))

    def end(self, what: str) -> None:
        if self.left:
            raise BadHello(detail=f"{what}: {self.left} bytes too many")

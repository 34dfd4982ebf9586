"""What a connection becomes after a 101: a raw echo, or a WebSocket echo (RFC 6455) without extensions."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from backends._exchange import Exchange

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MAX_PAYLOAD = 16 * 1024 * 1024
TOO_BIG, PROTOCOL_ERROR = 1009, 1002  # RFC 6455 7.4.1


class Tunnel(asyncio.Protocol):
    """The raw echo. connections: the server's set of what it has to close when it ends."""

    transport: asyncio.Transport

    def __init__(self, connections: set[Any]) -> None:
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    def drain(self) -> None:
        self.transport.close()


class Frame(NamedTuple):
    """head: its first byte, FIN and reserved bits and opcode. payload is masked by `mask`. size: all told."""

    head: int
    mask: bytes | None
    payload: bytes
    size: int

    @property
    def opcode(self) -> int:
        return self.head & 0x0F

    def unmasked(self) -> bytes:
        """One xor of two big numbers: a thousand times faster than a loop over bytes."""
        assert self.mask
        size = len(self.payload)
        key = (self.mask * (size // 4 + 1))[:size]
        return (int.from_bytes(self.payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


def parse_frame(data: bytes) -> Frame | None:
    """The frame that `data` begins with, None when it is not whole yet. OverflowError: longer than we accept."""
    if len(data) < 2:
        return None
    extra = {126: 2, 127: 8}.get(data[1] & 0x7F, 0)
    length = int.from_bytes(data[2 : 2 + extra], "big") if extra else data[1] & 0x7F
    start = 2 + extra + (4 if data[1] & 0x80 else 0)
    if length > MAX_PAYLOAD:
        raise OverflowError
    if len(data) < start + length:
        return None
    mask = data[start - 4 : start] if data[1] & 0x80 else None
    return Frame(data[0], mask, data[start : start + length], start + length)


def make_frame(head: int, payload: bytes) -> bytes:
    """As a server sends it: not masked."""
    size = len(payload)
    if size < 126:
        return bytes([head, size]) + payload
    if size < 65536:
        return bytes([head, 126]) + size.to_bytes(2, "big") + payload
    return bytes([head, 127]) + size.to_bytes(8, "big") + payload


class WebSocket(Tunnel):
    """Echoes each frame as it came, so fragments stay fragments. Text is not checked to be UTF-8."""

    def __init__(self, connections: set[Any]) -> None:
        super().__init__(connections)
        self._unread = b""

    def data_received(self, data: bytes) -> None:
        self._unread += data
        try:
            while not self.transport.is_closing() and (frame := parse_frame(self._unread)):
                self._unread = self._unread[frame.size :]
                self._handle(frame)
        except OverflowError:
            self._fail(TOO_BIG)

    def _handle(self, frame: Frame) -> None:
        if frame.mask is None:
            self._fail(PROTOCOL_ERROR)
            return
        if frame.opcode == PONG:
            return
        head = frame.head + 1 if frame.opcode == PING else frame.head
        self.transport.write(make_frame(head, frame.unmasked()))
        if frame.opcode == CLOSE:
            self.transport.close()

    def _fail(self, code: int) -> None:
        self.transport.write(make_frame(0x80 | CLOSE, code.to_bytes(2, "big")))
        self.transport.close()

    def drain(self) -> None:
        self._fail(1001)  # going away


def accept_key(key: bytes) -> bytes:
    """The answer to Sec-WebSocket-Key (RFC 6455 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + GUID).digest())


def open_websocket(exchange: Exchange, connections: set[Any]) -> None:
    key = exchange.header(b"sec-websocket-key")
    if exchange.wants_upgrade and exchange.header(b"upgrade").lower() == b"websocket" and key:
        accept = b"Sec-WebSocket-Accept: %b\r\n" % accept_key(key)
        exchange.switch(b"websocket", WebSocket(connections), accept)
    else:
        exchange.answer(400, b'{"error": "not a WebSocket handshake"}\n')


def open_raw(exchange: Exchange, connections: set[Any]) -> None:
    if exchange.wants_upgrade:
        exchange.switch(exchange.header(b"upgrade"), Tunnel(connections))
    else:
        exchange.answer(400, b'{"error": "no Upgrade in the request"}\n')

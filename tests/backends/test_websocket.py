from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends._tunnel import BINARY, CLOSE, PING, PONG, TEXT, accept_key, make_frame, parse_frame
from tests.processes import connect, read_all, request

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

FIN = 0x80


def masked(head: int, payload: bytes, mask: bytes = b"\x01\x02\x03\x04") -> bytes:
    """As a client sends it; masked byte by byte, on purpose not as the server unmasks."""
    plain = make_frame(head, payload)
    start = len(plain) - len(payload)
    body = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return plain[:1] + bytes([plain[1] | 0x80]) + plain[2:start] + mask + body


def read_exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += (block := sock.recv(size - len(data)))
        assert block, "closed too early"
    return data


@pytest.fixture
def websocket(hello: str) -> Iterator[socket.socket]:
    key = base64.b64encode(os.urandom(16))
    head = b"GET /websocket HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    with connect(hello) as sock:
        sock.sendall(head + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n")
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += sock.recv(1)
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert b"Sec-WebSocket-Accept: " + accept_key(key) in answer
        yield sock


def test_accept_key_of_the_rfc() -> None:
    assert accept_key(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 1.3


@given(st.binary(max_size=70_000), st.sampled_from([TEXT, BINARY]), st.binary(min_size=4, max_size=4))
def test_frames_survive(payload: bytes, opcode: int, mask: bytes) -> None:
    data = masked(FIN | opcode, payload, mask)
    assert parse_frame(data[:-1]) is None
    frame = parse_frame(data + b"next")
    assert frame is not None
    assert (frame.opcode, frame.unmasked(), frame.size) == (opcode, payload, len(data))


@pytest.mark.parametrize("size", [0, 5, 126, 65536, 300_000])
def test_echo(websocket: socket.socket, size: int) -> None:
    payload = os.urandom(size)
    websocket.sendall(masked(FIN | BINARY, payload))
    expected = make_frame(FIN | BINARY, payload)
    assert read_exactly(websocket, len(expected)) == expected


def test_fragments_with_a_ping_between(websocket: socket.socket) -> None:
    websocket.sendall(masked(TEXT, b"he") + masked(FIN | PING, b"?") + masked(FIN | PONG, b"") + masked(FIN, b"llo"))
    expected = make_frame(TEXT, b"he") + make_frame(FIN | PONG, b"?") + make_frame(FIN, b"llo")
    assert read_exactly(websocket, len(expected)) == expected


def test_close_is_answered_and_ends_the_connection(websocket: socket.socket) -> None:
    websocket.sendall(masked(FIN | CLOSE, b"\x03\xe8bye"))
    assert read_all(websocket) == make_frame(FIN | CLOSE, b"\x03\xe8bye")


def test_unmasked_frame_is_refused(websocket: socket.socket) -> None:
    websocket.sendall(make_frame(FIN | TEXT, b"plain"))
    assert read_all(websocket) == make_frame(FIN | CLOSE, (1002).to_bytes(2, "big"))


def test_frame_that_is_too_big_is_refused(websocket: socket.socket) -> None:
    websocket.sendall(bytes([FIN | BINARY, 0x80 | 127]) + (1 << 40).to_bytes(8, "big"))
    assert read_all(websocket) == make_frame(FIN | CLOSE, (1009).to_bytes(2, "big"))


def test_plain_request_is_refused(hello: str) -> None:
    assert request(hello, "/websocket").status == 400

"""One connection to a misbehaving server, and the little HTTP that its faults need."""

from __future__ import annotations

import socket
import struct
import time

from backends._tiny import read_body, read_head

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Client:
    """pause: seconds between the steps of what is slow."""

    def __init__(self, sock: socket.socket, pause: float) -> None:
        self.sock = sock
        self.pause = pause
        self._stream = sock.makefile("rb")

    def read_head(self) -> list[bytes]:
        return read_head(self._stream)

    def read_body(self, head: list[bytes]) -> int:
        return read_body(self._stream, head)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def sleep(self) -> None:
        time.sleep(self.pause)

    def send_slowly(self, data: bytes) -> None:
        for start in range(len(data)):
            self.send(data[start : start + 1])
            self.sleep()

    def wait_closed(self) -> None:
        """Until the other side gives up, so that it is never our close that it notices."""
        while self._stream.read1(65536):
            pass

    def reset(self) -> None:
        """Closes with RST. On a Unix socket it is a plain close: only unread bytes would make it a reset there."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self._stream.close()  # it holds a reference: without this the socket stays open
        self.sock.close()

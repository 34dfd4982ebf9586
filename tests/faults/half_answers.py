"""python -m tests.faults.half_answers PORT: sends the first half of an answer, and then sits there until it is killed.

The path says how the answer is framed: /length, /chunked, /close; /think answers nothing at all.
"""

from __future__ import annotations

import socket
import sys
import threading

HALVES = {
    b"/length": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
    b"/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    b"/close": b"HTTP/1.1 200 OK\r\n\r\nhello",
    b"/think": b"",
}


def serve(sock: socket.socket) -> None:
    with sock:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += sock.recv(65536)
        sock.sendall(HALVES[request.split(b" ")[1]])
        threading.Event().wait()


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listening:
        while True:
            threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

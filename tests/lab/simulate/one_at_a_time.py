"""Pre-forked workers that sleep through one request after the other: what queueing theory has in mind.

python -m tests.lab.simulate.one_at_a_time PORT WORKERS shared|reuseport
"""

from __future__ import annotations

import os
import socket
import sys
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def serve(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            head = connection.recv(4096)
            if head:  # else a probe whether we listen
                time.sleep(float(head.split(b" ", 2)[1].partition(b"delay=")[2]))
                connection.sendall(ANSWER)


def listening(port: int, is_group: bool) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, is_group)
    listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    return listener


def main(port: int, workers: int, way: str) -> None:
    is_group = way == "reuseport"
    listeners = [listening(port, is_group) for _ in range(workers if is_group else 1)]
    for number in range(workers):
        if os.fork() == 0:
            for listener in listeners:
                if listener is not listeners[number % len(listeners)]:
                    listener.close()  # a copy kept open would stay in the group, and nobody would accept from it
            serve(listeners[number % len(listeners)])
    for listener in listeners:
        listener.close()
    os.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])

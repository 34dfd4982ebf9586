"""python holding.py SOCKET FLAG: an application that hangs in its first request to /hold, and tells so by a file FLAG.

Started again, it answers such a request as all others: with its process id.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path


def main() -> None:
    path, flag = sys.argv[1:]
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        sock.listen()
        while True:
            threading.Thread(target=serve, args=(sock.accept()[0], Path(flag)), daemon=True).start()


def serve(sock: socket.socket, flag: Path) -> None:
    body = str(os.getpid()).encode()
    with sock, sock.makefile("rwb") as stream:
        while line := stream.readline():
            while stream.readline() not in (b"\r\n", b""):
                pass
            if b"/hold" in line and not flag.exists():
                flag.touch()
                threading.Event().wait()
            stream.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            stream.flush()


if __name__ == "__main__":
    main()

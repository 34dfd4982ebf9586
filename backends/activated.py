"""`hello` on a listening socket that somebody else bound: systemd (Accept=no), systemd-socket-activate, or any spawner.

systemd-socket-activate -l 127.0.0.1:9001 python -m backends.activated
"""

from __future__ import annotations

import asyncio
import os
import socket

from backends._listen import announce
from backends.hello import application, arguments

FIRST_FD = 3  # sd_listen_fds(3)


def inherited_socket() -> socket.socket:
    """The first socket passed to us. SystemExit with a sentence when there is none.

    LISTEN_PID tells whether the sockets are for us, or for a parent that forgot to clear its environment.
    """
    count, pid = os.environ.pop("LISTEN_FDS", ""), os.environ.pop("LISTEN_PID", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if not count.isdigit() or int(count) < 1:
        raise SystemExit("LISTEN_FDS is not set: start me from systemd or with systemd-socket-activate -l ADDRESS")
    if pid != str(os.getpid()):
        raise SystemExit(
            f"LISTEN_PID is {pid or 'not set'}, but I am {os.getpid()}: the sockets are meant for another process"
        )
    os.set_inheritable(FIRST_FD, False)
    return socket.socket(fileno=FIRST_FD)


def main() -> None:
    args = arguments("activated").parse_args()
    with inherited_socket() as sock:
        if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise SystemExit("file descriptor 3 does not listen: the socket unit needs Accept=no")
        announce(args.name, sock)
        asyncio.run(application(args, sock).server.serve(sock))


if __name__ == "__main__":
    main()

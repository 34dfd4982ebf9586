"""A spawner whose workers say what no worker says; started by test_supervisor.py."""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING

from proxy.serve.workers.spawner import main

if TYPE_CHECKING:
    import socket


def rave(number: int, channel: socket.socket) -> int:
    with channel:
        channel.sendall(struct.pack("!II", 20, 0) + b'{"kind": "Observed"}')
        with contextlib.suppress(ConnectionResetError):
            while channel.recv(65536):
                pass
    return 0


if __name__ == "__main__":
    main(rave)

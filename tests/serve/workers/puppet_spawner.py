"""A spawner whose workers do what they are told, a word at a time; started by test_spawning.py."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from proxy.serve.workers.spawner import main

if TYPE_CHECKING:
    import socket


def obey(number: int, channel: socket.socket) -> int:
    """Answers with its number and its pid, or ends as it is told to; also when nobody tells it anything any more."""
    with channel:
        while word := channel.recv(100).decode():
            if word == "who":
                channel.sendall(f"{number} {os.getpid()}".encode())
            elif word == "descriptors":
                channel.sendall(" ".join(sorted(os.listdir("/proc/self/fd"), key=int)).encode())
            elif word == "signals":
                for number_of_signal in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    os.kill(os.getpid(), number_of_signal)
                channel.sendall(b"alive")
            elif word == "crash":
                raise RuntimeError("as told")
            else:
                return int(word)
    return 0


if __name__ == "__main__":
    main(obey)

"""A port for a deployment."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Of 127.0.0.1, free a moment ago, and by the kernel's choice not the next one to be given out: a server that binds
    it right away finds it free."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port

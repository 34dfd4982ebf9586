"""How requests and responses travel as jobs, and the commands for it."""

from __future__ import annotations

import math

from proxy.lab.models.pull.broker import TIMEOUT

REQUESTS, ANSWERS = b"requests", b"answers"  # tubes
HOLD = math.ceil(TIMEOUT) + 5  # seconds: only a worker that hangs without dying holds a job for longer


def put(content: bytes) -> bytes:
    return b"put 0 0 %d %d\r\n%b\r\n" % (HOLD, len(content), content)


def delete(ticket: bytes) -> bytes:
    return b"delete %b\r\n" % ticket


RESERVE = b"reserve\r\n"


def take_from(tube: bytes) -> bytes:
    """Two replies."""
    return b"watch %b\r\nignore default\r\n" % tube

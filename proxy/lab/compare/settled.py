"""Between two scenarios of a deployment: the second must not pay for what the first has left in its queues."""

from __future__ import annotations

from contextlib import closing

import trio

from proxy.lab.models.pull.dial import dial

AGAIN = 0.05  # seconds between two tries where nobody accepts


async def settled(target: str, path: str, patience: float) -> bool:
    """Until one request is answered, whatever with; it waits behind all that came before it. False when it was not
    after `patience` seconds."""
    with trio.move_on_after(patience):
        while not await _is_answered(target, path):  # noqa: ASYNC110 - nobody tells when it will be
            await trio.sleep(AGAIN)
        return True
    return False


async def _is_answered(target: str, path: str) -> bool:
    try:
        with closing(await dial(target)) as stream:
            await stream.send(f"GET {path} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n".encode())
            return bool(await stream.receive())
    except OSError:
        return False

"""Sends jobs, a connection each, and tries again what it sees fail: blindly, or waiting for the other side's end."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import trio

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxy.core.address import TcpAddress

Sender = Literal["eof", "blind"]
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.1  # seconds before a job is tried again; twice as long each time
_BYTES = 4096


@dataclass(slots=True)
class Sent:
    """What the sender has seen. done: when it called each job done, in seconds after it began with it. refused, reset:
    tries. given_up: jobs that were not done in time."""

    done: dict[str, float] = field(default_factory=dict)
    refused: int = 0
    reset: int = 0
    given_up: list[str] = field(default_factory=list)


async def send_jobs(
    address: TcpAddress, jobs: Iterable[str], sender: Sender, *, apart: float, give_up: float, sent: Sent
) -> None:
    """Each begins `apart` seconds after the one before, whatever becomes of that; 0: all at the same moment. Returns
    when all are done or given up, each `give_up` seconds after it began. sent: is added to."""
    begin = trio.current_time()
    async with trio.open_nursery() as nursery:
        for index, job in enumerate(jobs):
            await trio.sleep_until(begin + index * apart)
            nursery.start_soon(_send_job, address, job, sender, give_up, sent)


async def _send_job(address: TcpAddress, job: str, sender: Sender, give_up: float, sent: Sent) -> None:
    began, pause = trio.current_time(), FIRST_PAUSE
    with trio.move_on_after(give_up):
        while not await _is_done(address, job, sender, sent):
            await trio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        sent.done[job] = trio.current_time() - began
        return
    sent.given_up.append(job)


async def _is_done(address: TcpAddress, job: str, sender: Sender, sent: Sent) -> bool:
    """Whether this sender takes it for done after one try."""
    try:
        await _try(address, job, sender)
    except ConnectionRefusedError:
        sent.refused += 1
    except (ConnectionResetError, BrokenPipeError):
        sent.reset += 1
    else:
        return True
    return False


async def _try(address: TcpAddress, job: str, sender: Sender) -> None:
    """Raises OSError."""
    with trio.socket.socket() as sock:
        await sock.connect((address.host, address.port))
        await _write(sock, f"{job}\n".encode())
        if sender == "eof":
            _end(sock)
            while await sock.recv(_BYTES):
                pass  # it has nothing to say, and its end is all that matters


def _end(sock: trio.socket.SocketType) -> None:
    """Of our side. A connection that was reset in the meantime is none."""
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError as error:
        if error.errno != errno.ENOTCONN:
            raise
        raise ConnectionResetError from error


async def _write(sock: trio.socket.SocketType, data: bytes) -> None:
    while data:
        data = data[await sock.send(data) :]

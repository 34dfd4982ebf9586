"""The program that this one takes over from: its listening sockets, and the managed backends that it still runs."""

from __future__ import annotations

import logging
import os
import socket
from typing import TYPE_CHECKING, Any

import trio

from proxy.core.address import parse_address
from proxy.serve.inherited import offer
from proxy.serve.upgrade.description import from_environment
from proxy.serve.workers.channel import Channel, ChannelError, dump_report, load_report

if TYPE_CHECKING:
    from proxy.core.reload.inherit import Offer
    from proxy.serve.upgrade.description import Description, LeftSocket

log = logging.getLogger("rproxy.upgrade")

LARGEST = 4096  # bytes of what it says
ANSWER = 5.0  # seconds that it may take to see that we serve; it may be busy, or dead

Key = tuple[str, str]


class Predecessor:
    """pid: its process. offers: what it left. lent: managed backends whose processes it runs until it releases them.
    taking: the scope in which they are taken over, one by one.
    """

    def __init__(self, description: Description) -> None:
        """Takes the descriptors over. Raises OSError when they are none."""
        self.pid = description.parent
        self.offers = [_taken(left) for left in description.sockets]
        self.lent = set(description.lent)
        self.taking = trio.CancelScope()
        os.set_inheritable(description.channel, False)
        self._channel_socket = socket.socket(fileno=description.channel)
        self._channel: Channel | None = None  # wants Trio to run

    async def serving(self) -> None:
        """Clients are served: it may stop. Returns when it has told the service manager that we are the service now."""
        self._channel = Channel(self._channel_socket)
        await self._send({"kind": "serving", "pid": os.getpid()})
        with trio.move_on_after(ANSWER):
            await self._receive()

    async def drained(self) -> None:
        """Returns when its sessions are over, or it is gone."""
        await self._receive()

    async def release(self, key: Key) -> None:
        """Returns when it has ended the processes of this backend, or is gone."""
        await self._send({"kind": "release", "backend": list(key)})
        await self._receive()
        self.lent.discard(key)

    async def done(self) -> None:
        """Nothing more is wanted of it."""
        await self._send({"kind": "done"})

    async def ending(self) -> None:
        """We end ourselves: it is to hurry."""
        await self._send({"kind": "ending"})

    async def ended(self) -> None:
        """Returns when its process is gone, or its end of the channel."""
        while await self._receive():
            pass

    async def _send(self, message: dict[str, Any]) -> None:
        assert self._channel is not None
        try:
            await self._channel.send(dump_report(message))
        except OSError:
            pass  # it is gone; the next receive says so

    async def _receive(self) -> dict[str, Any]:
        """Empty at the end."""
        assert self._channel is not None
        try:
            message = await self._channel.receive(LARGEST)
            return load_report(message[0]) if message is not None else {}
        except ChannelError as error:
            log.warning("process %d cannot be understood: %s", self.pid, error)
            return {}


def find_predecessor() -> Predecessor | None:
    """None for a start like any other, and, with a word, when what was left cannot be used."""
    try:
        description = from_environment()
        return Predecessor(description) if description is not None else None
    except (OSError, ValueError) as error:
        log.error("nothing is taken over: %s", error)
        return None


def _taken(left: LeftSocket) -> tuple[Offer, socket.socket]:
    os.set_inheritable(left.descriptor, False)
    sock = socket.socket(fileno=left.descriptor)
    return offer(left.name, sock, left.origin, parse_address(left.listen)), sock

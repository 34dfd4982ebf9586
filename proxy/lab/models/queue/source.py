"""A worker's side of a queue: it reserves a job, and when that is done it puts the answer and deletes the job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from proxy.lab.models.pull.broker import BrokerGone, Job
from proxy.lab.models.pull.dial import Stream, dial
from proxy.lab.models.queue.replies import Replies
from proxy.lab.models.queue.words import ANSWERS, REQUESTS, RESERVE, delete, put, take_from

if TYPE_CHECKING:
    from proxy.lab.models.queue.replies import Reply

_GRACE = 2.0  # seconds for what was given to be read, and to be confirmed


class QueueSource:
    """What was given travels with the next `reserve`: one write and one wait for each job."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._replies = Replies()
        self._unsent = b""
        self._unconfirmed = 0

    async def begin(self) -> None:
        await self._send(take_from(REQUESTS) + b"use %b\r\n" % ANSWERS, 3)
        await self._confirm()

    async def take(self) -> Job:
        await self._send(RESERVE, 0)
        while True:
            for reply in await self._receive():
                if reply.words[0] == b"RESERVED":
                    return _job(reply)

    def give(self, job: Job, response: bytes) -> None:
        """The job is deleted behind the answer: if we die in between, another worker answers as well, and the gateway
        drops that."""
        self._unsent += put(b"%d\n%b" % (job.number, response)) + delete(b"%d" % job.ticket)
        self._unconfirmed += 2

    async def leave(self) -> None:
        """A job that came too late is ready again when we close."""
        try:
            with trio.move_on_after(_GRACE):
                await self._send(b"", 0)
                await self._confirm()
        finally:
            self._stream.close()

    async def _send(self, data: bytes, replies: int) -> None:
        """All of it or nothing, so that it may be cancelled."""
        with trio.move_on_after(_GRACE, shield=True) as scope:
            try:
                await self._stream.send(self._unsent + data)
            except OSError:
                raise BrokerGone("the queue is gone") from None
        if scope.cancelled_caught:
            raise BrokerGone(f"the queue has read nothing for {_GRACE:g} s")
        self._unsent = b""
        self._unconfirmed += replies

    async def _confirm(self) -> None:
        while self._unconfirmed > 0:
            await self._receive()

    async def _receive(self) -> list[Reply]:
        try:
            data = await self._stream.receive()
        except OSError:
            data = b""
        if not data:
            raise BrokerGone("the queue is gone")
        replies = self._replies.feed(data)
        self._unconfirmed -= sum(reply.words[0] != b"RESERVED" for reply in replies)
        return replies


def _job(reply: Reply) -> Job:
    envelope, _, request = reply.body.partition(b"\n")
    number, deadline = envelope.split(b" ")
    return Job(int(number), float(deadline), request, int(reply.words[1]))


async def open_queue_source(address: str) -> QueueSource:
    """Raises AddressError, OSError, BrokerGone."""
    source = QueueSource(await dial(address))
    await source.begin()
    return source

"""The gateway's side of a queue: requests are put into one tube, answers are reserved from another."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from proxy.lab.models.pull.peer import connect
from proxy.lab.models.pull.responses import plain
from proxy.lab.models.queue.replies import Replies, Reply
from proxy.lab.models.queue.words import ANSWERS, REQUESTS, RESERVE, delete, put, take_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.engine.reactor import Reactor

AHEAD = 16  # reserves sent ahead: with one at a time, an answer waited for the turn of the one before it


class QueuePost:
    """answered: told of each answer. gone: told when the server is gone. Two connections: a `reserve` that waits holds
    up what is sent behind it."""

    def __init__(
        self, address: str, reactor: Reactor, answered: Callable[[int, bytes], None], gone: Callable[[], None]
    ) -> None:
        """Raises AddressError, OSError."""
        self._answered = answered
        self._putting, self._taking = connect(address, reactor), connect(address, reactor)
        self._put_replies, self._take_replies = Replies(), Replies()
        self._unconfirmed: deque[int] = deque()
        self._putting.received, self._putting.ended = self._confirm, gone
        self._taking.received, self._taking.ended = self._take, gone
        self._putting.send(b"use %b\r\n" % REQUESTS)
        self._taking.send(take_from(ANSWERS) + RESERVE * AHEAD)

    def put(self, number: int, request: bytes, deadline: float) -> None:
        self._unconfirmed.append(number)
        self._putting.send(put(b"%d %f\n%b" % (number, deadline, request)))

    def _confirm(self, data: bytes) -> None:
        for reply in self._put_replies.feed(data):
            if reply.words[0] == b"USING":
                continue
            number = self._unconfirmed.popleft()
            if reply.words[0] != b"INSERTED":
                self._answered(number, plain(502, f"the queue answered {b' '.join(reply.words).decode()}"))

    def _take(self, data: bytes) -> None:
        for reply in self._take_replies.feed(data):
            if reply.words[0] == b"RESERVED":
                self._taking.send(delete(reply.words[1]) + RESERVE)
                self._answer(reply)

    def _answer(self, reply: Reply) -> None:
        number, _, response = reply.body.partition(b"\n")
        self._answered(int(number), response)

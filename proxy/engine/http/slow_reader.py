"""A client that does not take at once what is written to it, and how long it may go on like that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.errors import ClientTimeout
from proxy.core.pace import Pace
from proxy.engine.relay import unacknowledged

if TYPE_CHECKING:
    from proxy.engine.http.session import HttpSession


class SlowReader:
    """`timeouts.send` and `limits.send_rate`, from the first time that the client's socket took no more.

    What counts is what the client's kernel has acknowledged. Ours calls a socket writable when a third of its buffer is
    free, and that buffer grows to 4 MiB (tcp_wmem): a phone that takes 10 KB in a second needs two minutes for that.
    written: bytes that our kernel has taken, from any beginning.
    """

    __slots__ = ("_pace", "_quiet_at", "_send", "_sock", "_taken")

    def __init__(self, session: HttpSession, written: int) -> None:
        self._sock = session.sock
        self._send = session.timeouts.send
        self._taken = written - unacknowledged(self._sock)
        self._pace = Pace(session.frontend.config.limits.send_rate, self._send, self._taken)
        self._quiet_at = 0.0

    def blocked(self, written: int, now: float) -> float:
        """The socket has taken something, maybe, and takes no more now. Returns the next deadline."""
        self._taken = written - unacknowledged(self._sock)
        self._quiet_at = now + self._send
        self._pace.wait(now)
        return min(self._quiet_at, self._pace.due)

    def pause(self, now: float) -> None:
        """It has taken all there is."""
        self._pace.pause(now)

    def judge(self, written: int, now: float) -> float:
        """A deadline has passed. Returns the next one; raises ClientTimeout."""
        taken = written - unacknowledged(self._sock)
        if now >= self._quiet_at:
            if taken <= self._taken:
                raise ClientTimeout("client-takes-nothing", phase="write")
            self._taken = taken
            self._quiet_at = now + self._send
        if now >= self._pace.due and not self._pace.is_kept(now, taken):
            raise ClientTimeout("client-too-slow", phase="write")
        return min(self._quiet_at, self._pace.due)

"""A process that is not our child: to be waited for, and killed, without a chance to meet another of the same pid."""

from __future__ import annotations

import os
import signal

import trio

LAST_WORD = 1.0  # seconds; between the end of a process and word of how it ended lies a millisecond


class Process:
    """A worker's process. Whoever got it waits for its end and then closes it.

    Not its parent, so that the kernel tells us by a pidfd that it ended, and the spawner how.
    """

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid = pid
        self._pidfd = pidfd
        self._status: int | None = None
        self._is_known = trio.Event()

    async def wait(self) -> int | None:
        """The exit status, minus the signal's number if one ended it; None if nobody can tell. May be called again."""
        await trio.lowlevel.wait_readable(self._pidfd)
        self._reap()
        with trio.move_on_after(LAST_WORD):
            await self._is_known.wait()
        return self._status

    def _reap(self) -> None:
        """When the spawner is gone too, and we are process 1, as in a container, its children are ours."""
        try:
            result = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            return
        if result is not None:
            self.ended(result.si_status if result.si_code == os.CLD_EXITED else -result.si_status)

    def kill(self) -> None:
        """Nothing, if it has ended; also when it is closed by then, and its descriptor is another's."""
        if self.is_closed:
            return
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def ended(self, status: int | None) -> None:
        """How, as far as it will ever be known."""
        if not self._is_known.is_set():
            self._status = status
            self._is_known.set()

    @property
    def is_closed(self) -> bool:
        return self._pidfd < 0

    def close(self) -> None:
        os.close(self._pidfd)
        self._pidfd = -1

"""Calls at a moment, to some 20 microseconds: a timerfd among the descriptors of the reactor.

Trio's own sleep ends at the next millisecond, because epoll counts in these, and a millisecond of lateness would be
more than most of what is to be measured.
"""

from __future__ import annotations

import ctypes
import os
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from proxy.engine.reactor import READ

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.engine.reactor import Reactor

_CLOCK_MONOTONIC, _TFD_TIMER_ABSTIME = 1, 1  # linux/time.h, sys/timerfd.h
_TFD_NONBLOCK, _TFD_CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC
AT_ONCE = 64  # calls until the sockets have their turn, when the clock is behind


class _Itimerspec(ctypes.Structure):
    _fields_ = [(name, ctypes.c_long) for name in ("interval", "interval_ns", "seconds", "ns")]


class Alarm:
    """A heap of calls on the clock `time.monotonic`; those of the same moment in the order in which they were set."""

    def __init__(self, reactor: Reactor, clock: Callable[[], float]) -> None:
        self._reactor, self._clock = reactor, clock
        self._libc = ctypes.CDLL(None, use_errno=True)  # os.timerfd_create is new in Python 3.13
        self._fd = self._libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK | _TFD_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        self._calls: list[tuple[float, int, Callable[[float], None]]] = []
        self._numbers = count()
        self._value = _Itimerspec()
        self._reference = ctypes.byref(self._value)
        reactor.register(self._fd, self._due, READ)

    def call_at(self, at: float, function: Callable[[float], None]) -> None:
        """Calls it with `at`, at once when that has passed."""
        heappush(self._calls, (at, next(self._numbers), function))
        if self._calls[0][0] == at:
            self._set(at)

    def close(self) -> None:
        self._reactor.unregister(self._fd)
        os.close(self._fd)

    def crashed(self, error: Exception) -> None:
        """The reactor has logged and counted it; the other calls go on."""
        if self._calls:
            self._set(self._calls[0][0])

    def _due(self, mask: int) -> None:
        calls, clock = self._calls, self._clock
        for _ in range(AT_ONCE):
            if not calls or calls[0][0] > clock():
                break
            at, _, function = heappop(calls)
            function(at)
        if calls:
            self._set(calls[0][0])

    def _set(self, at: float) -> None:
        """Setting it also forgets that it rang, so that its edge comes again without a read. A moment in the past rings
        at once; 0 would switch it off."""
        value = self._value
        value.seconds = int(at)
        value.ns = int(at % 1 * 1e9) or 1
        self._libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, self._reference, None)

"""Users who send the next request when the one before was answered: what a target can do at most.

A stall holds back the requests that would have met it, so that its latencies tell too little (coordinated omission):
use it for capacity, and the open loop for latency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from proxy.lab.load.alarm import Alarm
    from proxy.lab.load.clients.pools import Clients, Ending
    from proxy.lab.load.mix import Request
    from proxy.lab.load.recorder import Recorder

PAUSE = 0.01  # seconds before a user tries again whose request failed: else a dead target is asked as fast as we can


class ClosedLoop:
    """users: how many. seconds: from the start until nobody sends any more. done: called once, behind the last one."""

    def __init__(self, users: int, seconds: float, requests: Iterator[Request], recorder: Recorder, alarm: Alarm,
                 clock: Callable[[], float], done: Callable[[], None]) -> None:  # fmt: skip
        self._users, self._seconds, self._requests, self._recorder = users, seconds, requests, recorder
        self._alarm, self._clock, self._done = alarm, clock, done
        self._clients: Clients | None = None
        self._end = 0.0

    def begin(self, clients: Clients, start: float) -> None:
        self._clients, self._end = clients, start + self._seconds
        for _ in range(self._users):
            self._alarm.call_at(start, self._send)

    def finished(self, ending: Ending) -> None:
        self._recorder.finished(ending)
        if ending.cause and not ending.cause.startswith("status-"):
            self._alarm.call_at(self._clock() + PAUSE, self._send)
        else:
            self._send(self._clock())

    def _send(self, now: float) -> None:
        assert self._clients is not None
        if now < self._end:
            self._recorder.arrived(now, 0.0)
            self._clients.give(next(self._requests), now)
            return
        self._users -= 1
        if not self._users:
            self._done()

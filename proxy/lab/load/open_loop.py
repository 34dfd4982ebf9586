"""Requests at moments that nothing can move: whatever becomes of those before, the next one comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from proxy.lab.load.alarm import Alarm
    from proxy.lab.load.clients.pools import Clients, Ending
    from proxy.lab.load.mix import Request
    from proxy.lab.load.recorder import Recorder


class OpenLoop:
    """arrivals: seconds from the start. done: called once, when the last request has ended.

    Lateness is from the intended moment, but within a burst from the request before: nobody sends a thousand at one
    instant, and how long they take one behind the other is part of what a burst is. Their latency holds it all.
    """

    def __init__(self, arrivals: Iterator[float], requests: Iterator[Request], recorder: Recorder, alarm: Alarm,
                 clock: Callable[[], float], done: Callable[[], None]) -> None:  # fmt: skip
        self._arrivals, self._requests, self._recorder = arrivals, requests, recorder
        self._alarm, self._clock, self._done = alarm, clock, done
        self._clients: Clients | None = None
        self._start = self._last = self._handed = 0.0
        self._under_way = 1  # the loop itself, until its last arrival

    def begin(self, clients: Clients, start: float) -> None:
        self._clients, self._start = clients, start
        self._wait()

    def finished(self, ending: Ending) -> None:
        self._recorder.finished(ending)
        self._end_one()

    def _arrive(self, at: float) -> None:
        assert self._clients is not None
        self._under_way += 1
        self._recorder.arrived(at, self._clock() - (self._handed if at == self._last else at))
        self._clients.give(next(self._requests), at)
        self._last, self._handed = at, self._clock()
        self._wait()

    def _wait(self) -> None:
        at = next(self._arrivals, None)
        if at is None:
            self._end_one()
        else:
            self._alarm.call_at(self._start + at, self._arrive)

    def _end_one(self) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._done()

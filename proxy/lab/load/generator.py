"""Makes one load, in this process: connections first, then requests until the last one has ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import trio

from proxy.core.address import parse_address
from proxy.engine.timers import TICK, Wheel
from proxy.lab.load.alarm import Alarm
from proxy.lab.load.arrivals import arrivals
from proxy.lab.load.clients.connection import Connection, Link
from proxy.lab.load.clients.pools import make_clients
from proxy.lab.load.closed_loop import ClosedLoop
from proxy.lab.load.mix import requests
from proxy.lab.load.open_loop import OpenLoop
from proxy.lab.load.prompt_reactor import PromptReactor
from proxy.lab.load.recorder import Recorder
from proxy.lab.response_heads import ResponseHeads

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.lab.load.spec import LoadSpec

CONNECTING = 0.2  # seconds for the first connections; whoever is not there by then is waited for by its first request
_clock = time.monotonic


class Generator:
    """recorder: what has been recorded so far, also when `run` was cancelled. crashes: defects of ours that cost
    requests. connections: those that are kept, once it runs."""

    def __init__(self, spec: LoadSpec) -> None:
        """Raises AddressError."""
        self._spec = spec
        self._address = parse_address(spec.target)
        self.recorder = Recorder(0.0, spec.seconds)
        self.connections: list[Connection] = []
        self.crashes = 0
        self._answered, self._measured = trio.Event(), trio.Event()

    async def run(self, tell_began: Callable[[float], None] = lambda began: None) -> None:
        """tell_began: called with the moment at which the measured time begins, on `time.monotonic`, which all
        processes share. When it is cancelled, what is under way counts as if it had never come."""
        reactor = PromptReactor()
        alarm = Alarm(reactor, _clock)
        wheel = Wheel(reactor, TICK)  # every connection at every tick: an intended start may be long ago
        link = Link(self._address, reactor, wheel, ResponseHeads(), _clock)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(reactor.run)
                nursery.start_soon(wheel.run)
                self._begin(link, alarm)
                tell_began(self.recorder.began)
                await self._answered.wait()
                await self._measured.wait()
                nursery.cancel_scope.cancel()
        finally:
            self.crashes = reactor.crashes
            if not (self._answered.is_set() and self._measured.is_set()):
                self.recorder.cut(_clock())
            for timed in wheel.members():
                if isinstance(timed, Connection):
                    timed.close()
            alarm.close()
            reactor.close_all()

    def _begin(self, link: Link, alarm: Alarm) -> None:
        spec, recorder = self._spec, self.recorder
        loop = self._loop(alarm)
        clients = make_clients(spec, link, loop.finished)
        clients.open_all()
        self.connections = clients.connections()
        start = _clock() + CONNECTING
        recorder.began = start + spec.warm_up
        alarm.call_at(recorder.began, recorder.begin)
        alarm.call_at(recorder.began + spec.seconds, self._end)
        loop.begin(clients, start)

    def _loop(self, alarm: Alarm) -> OpenLoop | ClosedLoop:
        spec, seconds = self._spec, self._spec.warm_up + self._spec.seconds
        what = (requests(spec), self.recorder, alarm, _clock, self._answered.set)
        if spec.mode == "open":
            return OpenLoop(arrivals(spec, seconds), *what)
        return ClosedLoop(spec.connections, seconds, *what)

    def _end(self, at: float) -> None:
        self.recorder.end(at)
        self._measured.set()

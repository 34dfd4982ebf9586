"""The one place that decides: which backends get work, by health checks, by what data planes meet, by the operator.

It tells one data plane or many; it serves no connection itself.
"""

from __future__ import annotations

import logging
from collections import deque
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Protocol

import trio

from proxy.core.metrics.told import Told
from proxy.core.metrics.totals import Totals
from proxy.core.statistics import Event
from proxy.engine.make_backends import make_backends
from proxy.serve.control import standing
from proxy.serve.control.bell import Bell
from proxy.serve.control.controlled import Controlled
from proxy.serve.control.settling import Settling
from proxy.serve.control.statistics import make_statistics
from proxy.serve.orders import Emptied, Failed, Observed
from proxy.serve.reload.emptying import Emptying
from proxy.serve.reload.reloading import Reloading, with_backend, without_backend

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from proxy.core import config
    from proxy.core.address import Address
    from proxy.core.config import Config
    from proxy.core.health.group import Flip
    from proxy.core.reload.plan import Plan
    from proxy.core.statistics import Life, Statistics
    from proxy.engine.backend import LiveBackend
    from proxy.serve.backends.managed_backends import ManagedBackends
    from proxy.serve.control.controlled import Mode
    from proxy.serve.orders import Order, Report
    from proxy.serve.reload.reloading import Reloaded

log = logging.getLogger("rproxy.health")

# What a backend that is ready now is called in the log, by what it was.
_WORDS = {"unhealthy": "healthy", "ejected": "back from its ejection", "starting": "started"}
EVENTS = 200  # state changes that are remembered for the admin pages


class Plane(Protocol):
    """A data plane, in this process or in another one."""

    def send(self, order: Order, sockets: Sequence[socket.socket] = ()) -> None:
        """Does not wait and does not fail: a plane that is gone will be told everything when it is back."""


class Controller:
    """pools: every backend by the name of its pool and its own. planes: who is told what is decided.
    totals: what they have told of themselves; empty without [admin]. generation: configurations taken in use so far.
    managed: the processes that are ours, while they run. backends_changed: set, and another one, when `pools` is.
    stop_admin: serves the admin pages no more.
    addresses, lives: what whoever started the planes knows, where each frontend listens and which workers there are.
    bell: rings when a state or the configuration changed, for tasks that wait for one."""

    def __init__(self, config: Config, clock: Callable[[], float] = monotonic) -> None:
        """clock: seconds that do not go back. Raises TlsFileError."""
        self.config = config
        self.clock = clock
        self.bell = Bell()
        self.settling = Settling(self)
        self.planes: list[Plane] = []
        self.events: deque[Event] = deque(maxlen=EVENTS)
        self.totals = Totals()
        self.config_file = ""
        self.generation = 1
        self.started_at = wall_clock()
        self.addresses: Callable[[], Mapping[str, Sequence[Address]]] = dict
        self.lives: Callable[[], Iterable[Life]] = tuple
        self.managed: ManagedBackends | None = None
        self.backends_changed = trio.Event()
        self.emptying = Emptying(lambda: self.lives())
        self.reloading = Reloading(self)
        self.pools = {name: self._make_pool(settings) for name, settings in config.pools.items()}
        self.stop_admin: Callable[[], None] = _nothing

    def _make_pool(self, settings: config.Pool) -> dict[str, Controlled]:
        pairs = zip(settings.backends, make_backends(settings), strict=True)
        return {target.name: self.make(settings, backend, target) for backend, target in pairs}

    def make(self, pool: config.Pool, settings: config.Backend, target: LiveBackend) -> Controlled:
        """One that is decided about from now on, once it is in `pools`."""
        return Controlled(pool, settings, target, wall_clock())

    def backends(self) -> Iterator[Controlled]:
        for pool in self.pools.values():
            yield from pool.values()

    def greet(self, plane: Plane) -> None:
        """A new plane, or one that began anew; it has the configuration, and is told what is decided already."""
        if plane not in self.planes:
            self.planes.append(plane)
        for backend in self.backends():
            plane.send(backend.state())

    # ------------------------------------------------------------------ decisions

    def observed(self, report: Report, worker: int = 1) -> None:
        """From a data plane. worker: its number."""
        if isinstance(report, Told):
            self.totals.add(worker, report, monotonic())
            self.totals.keep(self.config.frontends, self.pools)
        elif isinstance(report, Emptied):
            self.emptying.heard((report.pool, report.backend), worker)
        elif isinstance(report, Failed):
            self.note(logging.ERROR, f"worker {worker} goes on with the old configuration: {report.why}")
        elif isinstance(report, Observed) and (backend := self.pools.get(report.pool, {}).get(report.backend)):
            self._seen(backend, report)

    def _seen(self, backend: Controlled, report: Observed) -> None:
        if backend.is_ending or not backend.is_started:
            return  # without its process it does badly for sure
        if report.what == "connect-failed":
            self.set_healthy(backend, is_healthy=False, reason=report.reason)
        elif report.what == "failed":
            backend.ejection.failed(report.reason, self.clock())
            self.settling.settle(backend.pool.name)
        else:
            backend.ejection.answered()
            self.settling.settle(backend.pool.name)

    def probed(self, backend: Controlled, *, is_good: bool, reason: str = "") -> None:
        """A health check came back."""
        before = backend.condition
        if backend.health.observe(is_good):
            self._changed(backend, before, "" if is_good else reason)
        elif not is_good and backend.condition == "unhealthy":
            backend.reason = reason  # it may be another one by now

    def set_healthy(self, backend: Controlled, *, is_healthy: bool, reason: str = "") -> None:
        if backend.health.is_healthy is not is_healthy:
            before = backend.condition
            backend.health.set(is_healthy)
            self._changed(backend, before, "" if is_healthy else reason)

    def set_started(self, backend: Controlled, *, is_started: bool) -> None:
        """The process of a managed backend takes connections, or does not."""
        if backend.is_started is not is_started:
            before = backend.condition
            backend.is_started = is_started
            self._changed(
                backend, before, "" if is_started else "its process does not take connections yet", quietly=True
            )

    def set_mode(self, backend: Controlled, mode: Mode) -> None:
        """The operator's wish."""
        if backend.mode != mode:
            before = backend.condition
            backend.mode = mode
            self._changed(backend, before, "" if mode == "enabled" else "by the operator")

    def set_weight(self, backend: Controlled, weight: int | None) -> None:
        """weight: None for the configured one again."""
        if backend.weight != weight:
            backend.weight = weight
            self.tell(backend)
            self.note(
                logging.INFO, f"{backend.pool.name}: backend {backend.name} has weight {weight or 'as configured'}"
            )

    def resolved(self, backend: Controlled, family: socket.AddressFamily, sockaddr: tuple[str, int]) -> None:
        """A host name is this address now."""
        if (backend.target.family, backend.target.sockaddr) != (family, sockaddr):
            backend.target.resolved(family, sockaddr)
            self.tell(backend)

    def end_process(self, backend: Controlled, *, is_ending: bool) -> None:
        """The process of a managed backend is to be ended once nobody uses it, or was."""
        if backend.is_ending is not is_ending:
            before = backend.condition
            backend.is_ending = is_ending
            if is_ending:
                self.emptying.begin(backend.key)
            self._changed(backend, before, "its process is replaced" if is_ending else "")

    # ------------------------------------------------------------------ another configuration

    async def reload(self) -> Reloaded:
        """Reads the file again and takes it in use. Raises Refused."""
        return await self.reloading.reload()

    async def apply(self, config: Config) -> Plan:
        """Takes another configuration in use. Raises Refused, and then nothing has changed."""
        return await self.reloading.change(lambda _: config)

    async def add_backend(self, pool: str, backend: config.Backend) -> None:
        """Until the next reload, which reads the file. Raises Refused."""
        await self.reloading.change(lambda config: with_backend(config, pool, backend))

    async def remove_backend(self, pool: str, backend: str) -> None:
        """As `add_backend`; what it has is finished. Raises Refused."""
        await self.reloading.change(lambda config: without_backend(config, pool, backend))

    def succeed(self, config: Config, pools: dict[str, dict[str, Controlled]]) -> None:
        """What is decided is of this configuration now; data planes are to be told right away."""
        for backend in self.backends():
            if not _is_in(pools, backend):
                self.emptying.begin(backend.key)
        before, self.config, self.pools = self.pools, config, pools
        self.generation += 1
        for pool in pools.values():
            new = [backend for backend in pool.values() if backend.pool.name in before and not _is_in(before, backend)]
            for backend in new:  # among others that serve already
                backend.ramps_when_ready = True
                if backend.condition == "ready":
                    standing.begin_ramp(backend, pool.values(), self.clock())
        self.settling.down &= pools.keys()
        for name in pools:
            self.settling.settle(name)
        self.backends_changed.set()
        self.backends_changed = trio.Event()

    # ------------------------------------------------------------------ who is told

    def _changed(self, backend: Controlled, before: str, reason: str, *, quietly: bool = False) -> None:
        if not _is_in(self.pools, backend):
            return  # a reload has taken it away
        self.flip(backend, before, reason, quietly=quietly)
        self.settling.settle(backend.pool.name, (backend,))

    def flip(self, backend: Controlled, before: str, reason: str, *, quietly: bool = False) -> None:
        """Notes what has become of it; to be settled and told. before: its condition before whatever changed."""
        backend.reason = reason
        condition = backend.condition
        if condition == before:
            return
        backend.since = wall_clock()
        word = _WORDS.get(before, "in service") if condition == "ready" else condition
        why = f": {reason}" if reason else ""
        level = logging.WARNING if condition in ("unhealthy", "ejected") else logging.INFO
        self.note(logging.DEBUG if quietly else level, f"{backend.pool.name}: backend {backend.name} is {word}{why}")
        if condition == "ready" and (before != "starting" or backend.ramps_when_ready):
            backend.ramps_when_ready = False
            standing.begin_ramp(backend, self.pools[backend.pool.name].values(), self.clock())

    def tell(self, backend: Controlled) -> None:
        """All planes what is decided of it."""
        state = backend.state()
        for plane in self.planes:
            plane.send(state)

    def note_member(self, backend: Controlled, flip: Flip) -> None:
        """One process behind a backend is missing or stuck, or well again."""
        level = logging.INFO if flip.is_good else logging.WARNING
        self.note(level, f"{backend.pool.name}: backend {backend.name}: {flip.text}")

    def statistics(self) -> Statistics:
        """Everything, as of now; what data planes count, as of TELL_EVERY ago at most."""
        return make_statistics(self, wall_clock())

    def note(self, level: int, text: str) -> None:
        """A state changed: logged once, and remembered for the admin pages."""
        log.log(level, "%s", text)
        self.events.append(Event(at=wall_clock(), level=logging.getLevelName(level).lower(), text=text))


def _is_in(pools: Mapping[str, Mapping[str, Controlled]], backend: Controlled) -> bool:
    return pools.get(backend.pool.name, {}).get(backend.name) is backend


def _nothing() -> None:
    pass


def wall_clock() -> float:
    """Seconds since 1970, to show; never to measure with."""
    return datetime.now(UTC).timestamp()

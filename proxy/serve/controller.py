"""The one place that decides: which backends get work, by health checks, by what data planes meet, by the operator.

It tells one data plane or many; it serves no connection itself.
"""

from __future__ import annotations

import logging
from collections import deque
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from proxy.core.metrics.told import Told
from proxy.core.metrics.totals import Totals
from proxy.core.statistics import Event
from proxy.engine.make_backends import make_backends
from proxy.serve.controlled import Controlled
from proxy.serve.orders import Observed
from proxy.serve.statistics import make_statistics

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from proxy.core.address import Address
    from proxy.core.config import Config
    from proxy.core.statistics import Life, Statistics
    from proxy.serve.backends.managed_backends import ManagedBackends
    from proxy.serve.controlled import Mode
    from proxy.serve.orders import Order, Report

log = logging.getLogger("rproxy.health")

EVENTS = 200  # state changes that are remembered for the admin pages


class Plane(Protocol):
    """A data plane, in this process or in another one."""

    def send(self, order: Order, sockets: Sequence[socket.socket] = ()) -> None:
        """Does not wait and does not fail: a plane that is gone will be told everything when it is back."""


class Controller:
    """pools: every backend by the name of its pool and its own. planes: who is told what is decided.
    totals: what they have told of themselves; empty without [admin]. generation: configurations taken in use so far.
    managed: the processes that are ours, while they run.
    addresses, lives: what whoever started the planes knows, where each frontend listens and which workers there are.
    """

    def __init__(self, config: Config) -> None:
        """Raises TlsFileError."""
        self.config = config
        self.planes: list[Plane] = []
        self.events: deque[Event] = deque(maxlen=EVENTS)
        self.totals = Totals()
        self.config_file = ""
        self.generation = 1
        self.started_at = wall_clock()
        self.addresses: Callable[[], Mapping[str, Sequence[Address]]] = dict
        self.lives: Callable[[], Iterable[Life]] = tuple
        self.pools = {name: self._make_pool(config, name) for name in config.pools}
        self.managed: ManagedBackends | None = None

    def _make_pool(self, config: Config, name: str) -> dict[str, Controlled]:
        settings, now = config.pools[name], wall_clock()
        pairs = zip(settings.backends, make_backends(settings), strict=True)
        return {target.name: Controlled(settings, backend, target, now) for backend, target in pairs}

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
            return
        if isinstance(report, Observed) and (backend := self.pools.get(report.pool, {}).get(report.backend)):
            is_good = report.what == "connected"
            if not is_good:
                self.set_healthy(backend, is_healthy=False, reason=report.reason)

    def probed(self, backend: Controlled, *, is_good: bool, reason: str = "") -> None:
        """A health check came back."""
        if backend.health.observe(is_good):
            backend.health.is_healthy = not is_good  # set_healthy flips it, says so and tells everybody
            self.set_healthy(backend, is_healthy=is_good, reason=reason)

    def set_healthy(self, backend: Controlled, *, is_healthy: bool, reason: str = "") -> None:
        if backend.health.is_healthy is not is_healthy:
            before = backend.condition
            backend.health.is_healthy = is_healthy
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

    def _changed(self, backend: Controlled, before: str, reason: str, *, quietly: bool = False) -> None:
        backend.reason = reason
        self.tell(backend)
        condition = backend.condition
        if condition == before:
            return
        backend.since = wall_clock()
        word = "healthy" if condition == "ready" else condition
        why = f": {reason}" if reason else ""
        level = logging.WARNING if condition in ("unhealthy", "ejected") else logging.INFO
        self.note(logging.DEBUG if quietly else level, f"{backend.pool.name}: backend {backend.name} is {word}{why}")

    def tell(self, backend: Controlled) -> None:
        """All planes what is decided of it."""
        state = backend.state()
        for plane in self.planes:
            plane.send(state)

    def statistics(self) -> Statistics:
        """Everything, as of now; what data planes count, as of TELL_EVERY ago at most."""
        return make_statistics(self, wall_clock())

    def note(self, level: int, text: str) -> None:
        """A state changed: logged once, and remembered for the admin pages."""
        log.log(level, "%s", text)
        self.events.append(Event(at=wall_clock(), level=logging.getLevelName(level).lower(), text=text))


def wall_clock() -> float:
    """Seconds since 1970, to show; never to measure with."""
    return datetime.now(UTC).timestamp()

"""One backend as the controller sees it: what is wanted of it, what is known of it, and what data planes are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from proxy.core.health.ejection import Ejection
from proxy.core.health.rise_and_fall import Health
from proxy.core.health.slow_start import STEPS, scaled
from proxy.serve.orders import BackendState

if TYPE_CHECKING:
    from proxy.core import config
    from proxy.core.statistics import BackendCondition, MemberStatistics
    from proxy.engine.backend import LiveBackend

Mode = Literal["enabled", "draining", "disabled"]
ONE_CONNECT = 1  # probe of a pool without health checks that brings a backend back


class Controlled:
    """target: a backend that no session uses: what probes connect to, and where a resolved address is kept.

    mode: the operator's wish. weight: the operator's, in place of the configured one. is_started: its process takes
    connections, where we start it; is_ending: it is about to be ended, and gets no new work. health: by probes.
    ejection: by its work. is_tried: though out of service it gets work, because all of its pool are. ramps_since: of a
    slow start, in seconds of the controller's clock, None outside of one; step: of STEPS, how much of its weight it
    has; is_scaled: weights of the pool are told in steps. ramps_when_ready: it is new in a pool that served before.
    members: of a group, or processes that we start, as they were seen last.
    reason: why it is not ready. since: when its condition changed, in seconds of the wall clock.
    """

    __slots__ = ("ejection", "health", "is_ending", "is_scaled", "is_started", "is_tried", "members", "mode", "pool",
                 "ramps_since", "ramps_when_ready", "reason", "settings", "since", "step", "target",
                 "weight")  # fmt: skip

    def __init__(self, pool: config.Pool, settings: config.Backend, target: LiveBackend, now: float) -> None:
        self.target = target
        self.health = Health()
        self.configure(pool, settings)
        self.ejection = Ejection()
        self.mode: Mode = "enabled"
        self.weight: int | None = None
        self.is_started = True
        self.is_ending = False
        self.is_tried = False
        self.ramps_since: float | None = None
        self.ramps_when_ready = False
        self.step = STEPS
        self.is_scaled = False
        self.reason = ""
        self.since = now
        self.members: tuple[MemberStatistics, ...] = ()

    def configure(self, pool: config.Pool, settings: config.Backend) -> None:
        """As a reload has it. What is known of its health stays."""
        self.pool = pool
        self.settings = settings
        check = pool.health_check
        self.health.rise, self.health.fall = (check.rise, check.fall) if check else (ONE_CONNECT, 1)

    def reconfigure(self, pool: config.Pool, settings: config.Backend, target: LiveBackend) -> None:
        """target: made from these; taken if connections begin otherwise now. A weight of the file that changed counts
        more than the operator's."""
        if settings.weight != self.settings.weight:
            self.weight = None
        if (pool.tls, pool.proxy_protocol) != (self.pool.tls, self.pool.proxy_protocol):
            if isinstance(self.target.sockaddr, tuple):
                target.resolved(self.target.family, self.target.sockaddr)
            self.target = target
        self.configure(pool, settings)

    @property
    def name(self) -> str:
        """Its address as text, unique in its pool."""
        return self.target.name

    @property
    def key(self) -> tuple[str, str]:
        """The names of its pool and its own."""
        return self.pool.name, self.name

    @property
    def is_ejected(self) -> bool:
        return self.ejection.is_ejected

    @property
    def ejections(self) -> int:
        """How often it was, so far."""
        return self.ejection.count

    @property
    def condition(self) -> BackendCondition:
        """Whether it is full is for the data planes to know."""
        if self.mode != "enabled":
            return self.mode
        if not self.is_started or self.is_ending:
            return "starting"
        if not self.health.is_healthy:
            return "unhealthy"
        return "ejected" if self.is_ejected else "ready"

    @property
    def effective_weight(self) -> float:
        """What it has of its weight now."""
        return (self.weight or self.settings.weight) * self.step / STEPS

    def state(self) -> BackendState:
        target = self.target
        sockaddr = target.sockaddr if isinstance(target.sockaddr, tuple) else None
        weight = self.weight or self.settings.weight
        is_there = self.is_started or self.is_ending  # without its process for a moment, which is worth a wait
        return BackendState(
            pool=self.pool.name,
            backend=self.name,
            is_healthy=self.is_tried or (self.health.is_healthy and is_there and not self.is_ejected),
            is_draining=self.mode != "enabled" or self.is_ending,
            is_returning=self.mode == "enabled" and self.is_ending,
            weight=scaled(weight, self.step) if self.is_scaled else weight,
            family=int(target.family),
            sockaddr=sockaddr,
        )

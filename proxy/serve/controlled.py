"""One backend as the controller sees it: what is wanted of it, what is known of it, and what data planes are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from proxy.serve.orders import BackendState

if TYPE_CHECKING:
    from proxy.core import config
    from proxy.core.health import Health
    from proxy.core.statistics import BackendCondition, MemberStatistics
    from proxy.engine.backend import LiveBackend

Mode = Literal["enabled", "draining", "disabled"]


class Controlled:
    """target: a backend that no session uses: what probes connect to, and where a resolved address is kept.

    mode: the operator's wish. weight: the operator's, in place of the configured one. ramp: the share of its weight
    that it gets after a recovery, over 0 and up to 1. is_started: its process takes connections, where we start it.
    members: of a group, or processes that we start, as they were seen last.
    reason: why it is not ready. since: when its condition changed, in seconds of the wall clock.
    """

    __slots__ = ("ejections", "health", "is_ejected", "is_started", "members", "mode", "pool", "ramp", "reason",
                 "settings", "since", "target", "weight")  # fmt: skip

    def __init__(self, pool: config.Pool, settings: config.Backend, target: LiveBackend, now: float) -> None:
        self.pool = pool
        self.settings = settings
        self.target = target
        self.health: Health = target.health
        self.mode: Mode = "enabled"
        self.weight: int | None = None
        self.ramp = 1.0
        self.is_started = True
        self.is_ejected = False
        self.ejections = 0
        self.reason = ""
        self.since = now
        self.members: tuple[MemberStatistics, ...] = ()

    @property
    def name(self) -> str:
        """Its address as text, unique in its pool."""
        return self.target.name

    @property
    def key(self) -> tuple[str, str]:
        """The names of its pool and its own."""
        return self.pool.name, self.name

    @property
    def condition(self) -> BackendCondition:
        """Whether it is full is for the data planes to know."""
        if self.mode != "enabled":
            return self.mode
        if not self.is_started:
            return "starting"
        if not self.health.is_healthy:
            return "unhealthy"
        return "ejected" if self.is_ejected else "ready"

    @property
    def effective_weight(self) -> float:
        return (self.weight or self.settings.weight) * self.ramp

    def state(self) -> BackendState:
        target = self.target
        sockaddr = target.sockaddr if isinstance(target.sockaddr, tuple) else None
        return BackendState(
            pool=self.pool.name,
            backend=self.name,
            is_healthy=self.health.is_healthy and self.is_started and not self.is_ejected,
            is_draining=self.mode != "enabled",
            weight=max(1, round(self.effective_weight)),
            family=int(target.family),
            sockaddr=sockaddr,
        )

"""A pool with its configuration at hand: its time-outs, its retries, what of it drains."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from proxy.core.http.head_cache import HeadCache
from proxy.core.http.response import ResponseParser
from proxy.core.retry import RetryPolicy
from proxy.engine.http.connection import BackendConnection
from proxy.engine.http.tls_connection import TlsConnection
from proxy.engine.observing import ObservingPool

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from proxy.core import config
    from proxy.core.client.peer import Peer
    from proxy.core.http.response import ResponseHead
    from proxy.engine.backend import LiveBackend
    from proxy.engine.observing import Sight
    from proxy.engine.reactor import Reactor


class LivePool(ObservingPool):
    """repeating: requests that run now and were sent to another backend, or another connection, before. retried: how
    many, by what had failed. drains: backends that end what they have, and since when; leaving: of these those that
    were removed, with their settings until then."""

    def __init__(
        self,
        settings: config.Pool,
        backends: list[LiveBackend],
        rng: Random,
        reactor: Reactor,
        report: Callable[[ObservingPool, LiveBackend, Sight, str], None],
    ) -> None:
        """report: as ObservingPool has it."""
        super().__init__(
            settings.name, settings.balance, backends, rng, queue=settings.queue, run_later=reactor.call_soon
        )
        self.configure(settings)
        self.repeating = 0
        self.retried: Counter[str] = Counter()
        self.heads: HeadCache[ResponseHead] = HeadCache()
        self.parser = ResponseParser()
        self.report = report
        self._reactor = reactor
        self.drains: dict[LiveBackend, float] = {}
        self.leaving: dict[LiveBackend, config.Pool] = {}

    def set_draining(self, backend: LiveBackend, is_draining: bool) -> bool:
        if not super().set_draining(backend, is_draining):
            return False
        if is_draining:
            self.drains[backend] = self._reactor.now
        else:
            self.drains.pop(backend, None)
        return True

    def configure(self, settings: config.Pool) -> None:
        """Other settings of its own; what changes of its backends is told one by one (engine/change_pool.py)."""
        self.config = settings
        self.timeouts = settings.timeouts
        self.retries = settings.retries
        self.queue_limit = settings.queue
        budget = settings.retry_budget
        self.retry = RetryPolicy(settings.retries, settings.retry_on, budget.percent, budget.at_least)

    def close(self) -> None:
        """No work of it is left, and none will come."""

    def connect(self, reactor: Reactor, backend: LiveBackend, peer: Peer) -> BackendConnection:
        """Dials on behalf of `peer`. Raises ConnectFailed."""
        return (TlsConnection if backend.tls else BackendConnection)(reactor, backend, peer)

    def find(self, name: str) -> LiveBackend | None:
        """The backend with this address."""
        return next((backend for backend in self.backends if backend.name == name), None)

    def has_retry_budget(self) -> bool:
        """Whether another request may be sent that was sent before. O(backends), and rare."""
        running = self.waiting + sum(backend.taken - backend.others for backend in self.backends)
        return self.retry.has_budget(running=running, repeating=self.repeating)

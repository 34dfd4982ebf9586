"""Everything that is known of this rproxy now, as one record: what is configured, decided, and told by data planes."""

from __future__ import annotations

import os
from time import monotonic
from typing import TYPE_CHECKING

from proxy import __version__
from proxy.core.metrics.times import COARSE
from proxy.core.statistics import (
    BackendStatistics,
    FrontendStatistics,
    Histogram,
    Latency,
    PoolStatistics,
    Statistics,
    WorkerStatistics,
)

if TYPE_CHECKING:
    from proxy.core.metrics.times import Times
    from proxy.core.metrics.totals import BackendTotals, Totals
    from proxy.core.statistics import Life
    from proxy.serve.control.controlled import Controlled
    from proxy.serve.control.controller import Controller

SHARES = (0.5, 0.9, 0.99)


def make_statistics(controller: Controller, now: float) -> Statistics:
    """now: seconds of the wall clock. O(frontends + backends), 10 us for each."""
    return Statistics(
        version=__version__,
        pid=os.getpid(),
        config_file=controller.config_file,
        generation=controller.generation,
        started_at=controller.started_at,
        now=now,
        workers=tuple(_worker(life, controller.totals) for life in controller.lives()),
        frontends=tuple(_frontend(controller, name) for name in controller.config.frontends),
        pools=tuple(_pool(controller, name) for name in controller.pools),
        events=tuple(controller.events),
    )


def _worker(life: Life, totals: Totals) -> WorkerStatistics:
    told = totals.workers.get(life.number)
    return WorkerStatistics(
        number=life.number,
        pid=life.pid,
        state=life.state,
        since=life.since,
        starts=life.starts,
        heartbeat_age=life.heartbeat_age,
        active=told.active if told else 0,
        accepted=told.accepted if told else 0,
        exchanges=told.exchanges if told else 0,
    )


def _frontend(controller: Controller, name: str) -> FrontendStatistics:
    totals = controller.totals.frontend(name)
    reasons = totals.reasons
    return FrontendStatistics(
        name=name,
        mode=controller.config.frontends[name].mode,
        addresses=tuple(map(str, controller.addresses().get(name, ()))),
        active=controller.totals.active(name),
        accepted=totals.accepted,
        exchanges=reasons.total(),
        statuses=dict(totals.statuses),
        reasons=dict(reasons),
        bytes_in=totals.bytes_in,
        bytes_out=totals.bytes_out,
        phases={phase: _histogram(times) for phase, times in totals.phases.items()},
    )


def _histogram(times: Times) -> Histogram:
    counts = times.coarse()
    return Histogram(bounds=COARSE, counts=tuple(counts), sum=times.sum, count=sum(counts))


def _pool(controller: Controller, name: str) -> PoolStatistics:
    settings, totals = controller.config.pools[name], controller.totals
    holdings = totals.holdings(name)
    return PoolStatistics(
        name=name,
        balance=settings.balance,
        waiting=totals.waiting(name),
        queue_limit=settings.queue,
        retried=dict(totals.pool(name).retried),
        backends=tuple(
            _backend(backend, totals.backend(name, backend.name), *holdings.get(backend.name, (0, 0)))
            for backend in controller.pools[name].values()
        ),
    )


def _backend(backend: Controlled, own: BackendTotals, taken: int, idle: int) -> BackendStatistics:
    limit, state, reason = backend.settings.max_connections, backend.condition, backend.reason
    if state == "ready" and 0 < limit <= taken:
        state, reason = "full", f"all {limit} slots are taken"
    return BackendStatistics(
        address=backend.name,
        state=state,
        reason=reason,
        since=backend.since,
        weight=backend.weight or backend.settings.weight,
        effective_weight=backend.effective_weight,
        taken=taken,
        max_connections=limit,
        idle=idle,
        picked=own.picked,
        statuses=dict(own.statuses),
        failures=dict(own.failures),
        latency=_latency(own),
        bytes_in=own.bytes_in,
        bytes_out=own.bytes_out,
        ejections=backend.ejections,
        members=backend.members,
    )


def _latency(totals: BackendTotals) -> Latency:
    found = totals.latency.percentiles(SHARES, monotonic())
    return Latency(p50=found[0], p90=found[1], p99=found[2]) if found else Latency()

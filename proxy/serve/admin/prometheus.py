"""The statistics as metrics of Prometheus.

Counters go on over the death of workers and over reloads; a backend that was taken out of the configuration and has
come back begins at 0, which Prometheus reckons with. Names: https://prometheus.io/docs/practices/naming/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from prometheus_client import ProcessCollector
from prometheus_client.core import HistogramMetricFamily

from proxy.core.metrics.fairness import jain_index
from proxy.core.statistics import BackendCondition, WorkerCondition
from proxy.serve.admin.exposition import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.core import Metric

    from proxy.core.statistics import BackendStatistics, Histogram, Statistics

_process = ProcessCollector(registry=None)


def families(statistics: Statistics) -> Iterator[Metric]:
    """Large ones in parts, one behind the other."""
    yield from _of_rproxy(statistics)
    yield from _of_workers(statistics)
    yield from _of_frontends(statistics)
    yield from _of_pools(statistics)
    yield from _of_backends(statistics)
    yield from _of_members(statistics)
    yield from _process.collect()


def _of_rproxy(s: Statistics) -> Iterator[Metric]:
    yield from gauge("rproxy_build_info", "1, with the version of rproxy", "version", [((s.version,), 1)])
    yield from gauge("rproxy_start_time_seconds", "When it started, since 1970", "", [((), s.started_at)])
    yield from gauge("rproxy_config_generation", "Configurations taken in use so far", "", [((), s.generation)])


def _of_workers(s: Statistics) -> Iterator[Metric]:
    rows = [((str(worker.number),), worker) for worker in s.workers]
    yield from gauge(
        "rproxy_worker_state", "1 for the state that a worker is in", "worker state",
        (((*own, state), worker.state == state) for own, worker in rows for state in get_args(WorkerCondition)),
    )  # fmt: skip
    yield from counter("rproxy_worker_starts", "Times it was started", "worker", ((own, w.starts) for own, w in rows))
    yield from gauge("rproxy_worker_sessions", "Client connections now", "worker", ((own, w.active) for own, w in rows))
    yield from counter("rproxy_worker_accepted", "Client connections", "worker", ((own, w.accepted) for own, w in rows))
    yield from counter("rproxy_worker_exchanges", "Work that ended", "worker", ((own, w.exchanges) for own, w in rows))
    yield from gauge(
        "rproxy_worker_heartbeat_age_seconds", "Since it last said that it moves", "worker",
        ((own, w.heartbeat_age) for own, w in rows),
    )  # fmt: skip
    fairness = jain_index([worker.exchanges for worker in s.workers])
    yield from gauge(
        "rproxy_worker_fairness", "Jain's index of their exchanges: 1 is even, 1/n one of n has all", "",
        [((), fairness)],
    )  # fmt: skip


def _of_frontends(s: Statistics) -> Iterator[Metric]:
    rows = [((frontend.name,), frontend) for frontend in s.frontends]
    yield from gauge(
        "rproxy_frontend_sessions", "Client connections now", "frontend", ((own, f.active) for own, f in rows)
    )
    yield from counter(
        "rproxy_frontend_accepted", "Client connections", "frontend", ((own, f.accepted) for own, f in rows)
    )
    yield from counter(
        "rproxy_frontend_responses", "Answers to clients, 499 for those that left", "frontend status",
        (((*own, status), count) for own, f in rows for status, count in f.statuses.items()),
    )  # fmt: skip
    yield from counter(
        "rproxy_frontend_exchanges", "Requests, or tcp sessions, by how they ended: ok, or step and reason",
        "frontend reason",
        (((*own, reason), count) for own, f in rows for reason, count in f.reasons.items()),
    )  # fmt: skip
    yield from counter(
        "rproxy_frontend_received_bytes", "From clients", "frontend", ((own, f.bytes_in) for own, f in rows)
    )
    yield from counter("rproxy_frontend_sent_bytes", "To clients", "frontend", ((own, f.bytes_out) for own, f in rows))
    yield _phases(((*own, phase), histogram) for own, f in rows for phase, histogram in f.phases.items())


def _phases(rows: Iterable[tuple[tuple[str, ...], Histogram]]) -> Metric:
    family = HistogramMetricFamily(
        "rproxy_frontend_phase_seconds", "What the steps of exchanges took", labels=("frontend", "phase")
    )
    for values, histogram in rows:
        buckets, count = [], 0
        for bound, here in zip((*histogram.bounds, "+Inf"), histogram.counts, strict=True):
            count += here
            buckets.append((str(bound), count))
        family.add_metric(values, buckets, histogram.sum)
    return family


def _of_pools(s: Statistics) -> Iterator[Metric]:
    rows = [((pool.name,), pool) for pool in s.pools]
    yield from gauge("rproxy_pool_waiting", "Work in the queue now", "pool", ((own, p.waiting) for own, p in rows))
    yield from gauge("rproxy_pool_queue_limit", "Work that may wait", "pool", ((own, p.queue_limit) for own, p in rows))
    yield from counter(
        "rproxy_pool_retries", "Work given to a backend again, by what had failed", "pool reason",
        (((*own, reason), count) for own, p in rows for reason, count in p.retried.items()),
    )  # fmt: skip


Backends = list[tuple[tuple[str, ...], "BackendStatistics"]]


def _of_backends(s: Statistics) -> Iterator[Metric]:
    rows: Backends = [((p.name, backend.address), backend) for p in s.pools for backend in p.backends]
    own = "pool backend"
    yield from gauge(
        "rproxy_backend_state", "1 for the state that a backend is in", f"{own} state",
        (((*n, state), b.state == state) for n, b in rows for state in get_args(BackendCondition)),
    )  # fmt: skip
    yield from gauge("rproxy_backend_weight", "As configured or set", own, ((n, b.weight) for n, b in rows))
    yield from gauge(
        "rproxy_backend_effective_weight", "With slow start", own, ((n, b.effective_weight) for n, b in rows)
    )
    yield from gauge("rproxy_backend_slots_taken", "Work in it now", own, ((n, b.taken) for n, b in rows))
    yield from gauge("rproxy_backend_slots", "Its limit", own, ((n, b.max_connections or None) for n, b in rows))
    yield from gauge("rproxy_backend_idle_connections", "Kept for reuse now", own, ((n, b.idle) for n, b in rows))
    yield from _work_of_backends(rows, own)


def _work_of_backends(rows: Backends, own: str) -> Iterator[Metric]:
    yield from counter("rproxy_backend_picked", "Times it was chosen", own, ((n, b.picked) for n, b in rows))
    yield from counter(
        "rproxy_backend_responses", "Exchanges that it served last, by what the client was told", f"{own} status",
        (((*n, status), count) for n, b in rows for status, count in b.statuses.items()),
    )  # fmt: skip
    yield from counter(
        "rproxy_backend_failures", "Tries that failed", f"{own} reason",
        (((*n, reason), count) for n, b in rows for reason, count in b.failures.items()),
    )  # fmt: skip
    yield from gauge(
        "rproxy_backend_latency_seconds", "From choice to answer, or connection, in the last 10 s", f"{own} percentile",
        (((*n, q), value) for n, b in rows for q, value in zip(("50", "90", "99"), _latency(b), strict=True)),
    )  # fmt: skip
    yield from counter("rproxy_backend_received_bytes", "From clients", own, ((n, b.bytes_in) for n, b in rows))
    yield from counter("rproxy_backend_sent_bytes", "To clients", own, ((n, b.bytes_out) for n, b in rows))
    yield from counter("rproxy_backend_ejections", "For how it did its work", own, ((n, b.ejections) for n, b in rows))


def _latency(backend: BackendStatistics) -> tuple[float | None, ...]:
    return backend.latency.p50, backend.latency.p90, backend.latency.p99


def _of_members(s: Statistics) -> Iterator[Metric]:
    rows = [
        ((pool.name, backend.address, str(member.number)), member)
        for pool in s.pools
        for backend in pool.backends
        for member in backend.members
    ]
    own = "pool backend member"
    yield from gauge("rproxy_member_up", "1 while it is as it should be", own, ((n, _is_up(m.state)) for n, m in rows))
    yield from counter("rproxy_member_starts", "Times we started it", own, ((n, m.starts) for n, m in rows))
    yield from gauge("rproxy_member_connections", "It has now", own, ((n, m.connections) for n, m in rows))


def _is_up(state: str) -> bool:
    return state in ("running", "ready")

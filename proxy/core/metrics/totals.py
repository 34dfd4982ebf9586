"""What the data planes have told, added up: it outlives each of them, and reloads that keep the names."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from proxy.core.metrics.times import Times
from proxy.core.metrics.window import Window

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from proxy.core.metrics.told import BackendTold, Ended, FrontendTold, PoolTold, Told


UNTOLD = "untold"  # the reason of exchanges that a worker counted, and was killed before it told how they ended


class FrontendTotals:
    """exchanges: by pool, status and reason. phases: by the name of the step. Bytes of clients."""

    def __init__(self) -> None:
        self.accepted = self.bytes_in = self.bytes_out = 0
        self.exchanges: Counter[tuple[str, int, str]] = Counter()
        self.phases: dict[str, Times] = {}

    def add(self, told: FrontendTold) -> None:
        self.accepted += told.accepted
        for ended in told.ended:
            self.exchanges[ended.pool, ended.status, ended.reason] += ended.count
            self.bytes_in += ended.bytes_in
            self.bytes_out += ended.bytes_out
        for name, times in told.phases.items():
            self.phases.setdefault(name, Times()).merge(times.counts, times.sum)

    @property
    def statuses(self) -> Counter[str]:
        """What clients were told. Neither a tcp session nor a client that left has a status."""
        found: Counter[str] = Counter()
        for (_, status, _), count in self.exchanges.items():
            if status:
                found[str(status)] += count
        return found

    @property
    def reasons(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for (_, _, reason), count in self.exchanges.items():
            found[reason] += count
        return found


class BackendTotals:
    """statuses, bytes: of exchanges and sessions that this backend served last. failures: of all tries, by reason."""

    def __init__(self) -> None:
        self.picked = self.bytes_in = self.bytes_out = 0
        self.statuses: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.latency = Window()

    def add(self, told: BackendTold) -> None:
        self.picked += told.picked
        self.failures.update(told.failures)

    def add_ended(self, ended: Ended) -> None:
        self.bytes_in += ended.bytes_in
        self.bytes_out += ended.bytes_out
        if ended.status:
            self.statuses[str(ended.status)] += ended.count


class PoolTotals:
    """retried: by what had failed. backends: by address."""

    def __init__(self) -> None:
        self.retried: Counter[str] = Counter()
        self.backends: defaultdict[str, BackendTotals] = defaultdict(BackendTotals)

    def add(self, told: PoolTold) -> None:
        self.retried.update(told.retried)
        for name, backend in told.backends.items():
            self.backends[name].add(backend)


class Counted(NamedTuple):
    """Of one frontend, by one process, since that began. exchanges: sessions in TCP mode; those that ended."""

    accepted: int
    exchanges: int


class WorkerTotals:
    """last: what it told last, for what is true of this moment. told: what its process has told so far, by frontend."""

    def __init__(self) -> None:
        self.accepted = self.exchanges = self.crashes = 0
        self.last: Told | None = None
        self.told: dict[str, Counted] = {}

    def add(self, told: Told) -> None:
        self.last = told
        self.crashes += told.crashes
        for name, frontend in told.frontends.items():
            self.count(name, Counted(frontend.accepted, sum(ended.count for ended in frontend.ended)))

    def count(self, frontend: str, more: Counted) -> None:
        self.accepted += more.accepted
        self.exchanges += more.exchanges
        before = self.told.get(frontend, Counted(0, 0))
        self.told[frontend] = Counted(before.accepted + more.accepted, before.exchanges + more.exchanges)

    def untold(self, frontend: str, counted: Counted) -> Counted:
        told = self.told.get(frontend, Counted(0, 0))
        return Counted(max(0, counted.accepted - told.accepted), max(0, counted.exchanges - told.exchanges))

    @property
    def active(self) -> int:
        return sum(frontend.active for frontend in self.last.frontends.values()) if self.last else 0


class Totals:
    """frontends, pools: by name. workers: by number; a number that starts again goes on counting."""

    def __init__(self) -> None:
        self.frontends: defaultdict[str, FrontendTotals] = defaultdict(FrontendTotals)
        self.pools: defaultdict[str, PoolTotals] = defaultdict(PoolTotals)
        self.workers: defaultdict[int, WorkerTotals] = defaultdict(WorkerTotals)

    def add(self, worker: int, told: Told, now: float) -> None:
        """now: monotonic seconds."""
        self.workers[worker].add(told)
        for name, pool in told.pools.items():
            self.pool(name).add(pool)
        for name, frontend in told.frontends.items():
            self.frontend(name).add(frontend)
            self._share_out(frontend, now)

    def _share_out(self, frontend: FrontendTold, now: float) -> None:
        """What a frontend tells of backends. One that left its pool by a reload still ends its work."""
        for ended in frontend.ended:
            if ended.pool and ended.backend:
                self.backend(ended.pool, ended.backend).add_ended(ended)
        for pool, backends in frontend.latencies.items():
            for name, counts in backends.items():
                self.backend(pool, name).latency.add(counts, now)

    def frontend(self, name: str) -> FrontendTotals:
        return self.frontends[name]

    def pool(self, name: str) -> PoolTotals:
        return self.pools[name]

    def backend(self, pool: str, name: str) -> BackendTotals:
        return self.pool(pool).backends[name]

    def lost(self, worker: int, counted: Mapping[str, Counted]) -> None:
        """It has died: what it held is nobody's any more, and what it had counted and not told yet is added here.

        counted: by frontend. How those exchanges ended is known to nobody: their reason is UNTOLD.
        """
        own = self.workers[worker]
        for name, count in counted.items():
            untold = own.untold(name, count)
            own.count(name, untold)
            self.frontend(name).accepted += untold.accepted
            if untold.exchanges:
                self.frontend(name).exchanges["", 0, UNTOLD] += untold.exchanges
        own.last = None
        own.told.clear()

    def keep(self, frontends: Mapping[str, object], pools: Mapping[str, Mapping[str, object]]) -> None:
        """Forgets what is configured no more; else each address that ever came would stay for ever.

        pools: backends by address, by the name of the pool.
        """
        _keep_only(self.frontends, frontends)
        _keep_only(self.pools, pools)
        for name, totals in self.pools.items():
            _keep_only(totals.backends, pools[name])

    # ------------------------------------------------------------------ of this moment, over all workers

    def active(self, frontend: str) -> int:
        return sum(told.frontends[frontend].active for told in self._last() if frontend in told.frontends)

    def waiting(self, pool: str) -> int:
        return sum(told.pools[pool].waiting for told in self._last() if pool in told.pools)

    def holdings(self, pool: str) -> dict[str, tuple[int, int]]:
        """Slots taken and idle connections, by backend; those without either may be missing."""
        found: dict[str, tuple[int, int]] = {}
        for told in self._last():
            if pool in told.pools:
                for name, backend in told.pools[pool].backends.items():
                    taken, idle = found.get(name, (0, 0))
                    found[name] = taken + backend.taken, idle + backend.idle
        return found

    def _last(self) -> list[Told]:
        return [worker.last for worker in self.workers.values() if worker.last is not None]


def _keep_only(totals: dict[str, Any], names: Container[str]) -> None:
    for name in [name for name in totals if name not in names]:
        del totals[name]

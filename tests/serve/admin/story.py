"""Statistics as a busy rproxy tells them, second by second: every state, group members, a queue, errors, events.

What is told depends on the seed and the second only. For the dashboard and `rproxy top`, which show what they are told;
where the numbers come from is tested elsewhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field, replace
from math import pi, sin
from random import Random
from typing import NamedTuple

from proxy.core.statistics import (
    BackendCondition,
    BackendStatistics,
    Event,
    FrontendStatistics,
    Histogram,
    Latency,
    MemberStatistics,
    PoolStatistics,
    Statistics,
    WorkerStatistics,
)

START = 1_795_525_200.0  # 2026-11-24 13:00 UTC
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Role(NamedTuple):
    """One backend. rate: requests a second; latency: its median in seconds; failing: share of its answers."""

    pool: str
    address: str
    state: BackendCondition = "ready"
    reason: str = ""
    since: float = -86_400.0
    weight: int = 1
    rate: float = 0.0
    latency: float = 0.002
    failing: float = 0.0
    limit: int = 0
    members: tuple[float, ...] = ()


ROLES = (
    Role("app", "unix:/run/app/1.sock", rate=240, latency=0.0018),
    Role("app", "unix:/run/app/2.sock", rate=236, latency=0.0019),
    Role("app", "127.0.0.1:9102", rate=228, latency=0.0034, failing=0.004),
    Role("app", "127.0.0.1:9103", weight=4, rate=910, latency=0.0021, members=(0.55, 0.25, 0.2, 0.0)),
    Role("app", "127.0.0.1:9104", "ejected", "5 answers in a row were 502; back in 24 s, third time", since=-36.0),
    Role("api", "10.0.0.21:9200", rate=55, latency=0.085, limit=8),
    Role("api", "10.0.0.22:9200", "full", rate=48, latency=0.34, limit=8),
    Role("api", "10.0.0.23:9200", "unhealthy", "health check: connection refused, 3 times", since=-312.0, limit=8),
    Role("reports", "reports-1.internal:8443", "draining", "by the operator: 3 exchanges left", since=-20.0, rate=1),
    Role("reports", "reports-2.internal:8443", rate=4, latency=1.4),
    Role("reports", "reports-3.internal:8443", "disabled", "by the operator", since=-7_300.0),
    Role("reports", "reports-4.internal:8443", "starting", "started 2 s ago, not listening yet", since=-2.0),
    Role("postgres", "unix:/run/postgresql/.s.PGSQL.5432", rate=3, latency=0.0006),
)
POOLS = {
    "app": ("least-connections", 100),
    "api": ("round-robin", 64),
    "reports": ("two-choices", 20),
    "postgres": ("least-connections", 0),
}
FRONTENDS = {"web": "http", "internal": "http", "postgres": "tcp"}
ADDRESSES = {
    "web": ("0.0.0.0:443", "[::]:443"),
    "internal": ("unix:/run/rproxy/internal.sock",),
    "postgres": ("127.0.0.1:6432",),
}
PHASES = {"read": 0.05, "pick": 0.02, "dial": 0.08, "write": 0.03, "answer": 1.0, "body": 0.2, "total": 1.3}
EVENTS = (
    Event(at=START - 7_300, level="info", text="reports/reports-3.internal:8443: disabled by the operator"),
    Event(at=START - 312, level="warning", text="api/10.0.0.23:9200: unhealthy: health check: refused, 3 times"),
    Event(at=START - 61, level="info", text="reload: 1 backend added, 2 weights changed"),
    Event(at=START - 42, level="error", text="worker 2: killed by SIGKILL; started again in 11 ms, pid 41277"),
    Event(at=START - 36, level="warning", text="app/127.0.0.1:9104: ejected for 60 s: 5 answers in a row were 502"),
    Event(at=START - 20, level="info", text="reports/reports-1.internal:8443: draining, asked by the operator"),
)


@dataclass
class Tally:
    """What was counted so far, of a backend or a frontend."""

    done: int = 0
    bytes: int = 0
    words: Counter[str] = field(default_factory=Counter)
    times: dict[str, list[float]] = field(default_factory=lambda: {name: [0.0] * (len(BOUNDS) + 3) for name in PHASES})


class Story:
    """`tell` each second. hostile: what is put behind every name, for pages that should not run it. more: backends."""

    def __init__(self, seed: int = 1, hostile: str = "", more: int = 0) -> None:
        self._rng = Random(seed)
        self._hostile = hostile
        many = (Role("many", f"10.1.{number // 200}.{number % 200}:80", rate=20) for number in range(more))
        self._roles = (*ROLES, *many)
        self._pools = {**POOLS, "many": ("least-connections", 100)} if more else POOLS
        self._tallies = [Tally() for _ in self._roles]
        self._frontends = {name: Tally() for name in FRONTENDS}
        self._shares = [0, 0, 0, 0]
        self.second = 0

    def tell(self) -> Statistics:
        """One second later."""
        self.second += 1
        done = [self._work(role, tally) for role, tally in zip(self._roles, self._tallies, strict=True)]
        self._arrive(sum(done[:9]), "web")
        self._arrive(sum(done[9:12]), "internal")
        self._arrive(done[12], "postgres")
        for number, share in enumerate((0.27, 0.22, 0.26, 0.25)):
            self._shares[number] += round(sum(done) * share)
        return self._statistics()

    def _work(self, role: Role, tally: Tally) -> int:
        wave = 1 + 0.25 * sin(2 * pi * self.second / 45) + self._rng.uniform(-0.12, 0.12)
        count = round(role.rate * wave)
        failed = sum(self._rng.random() < role.failing for _ in range(count))
        tally.done += count
        tally.bytes += 2_400 * count
        shares = {"200": round(count * 0.93) - failed, "304": round(count * 0.05), "404": round(count * 0.02)}
        tally.words.update({**shares, "502": failed} if failed else shares)
        return count

    def _arrive(self, count: int, name: str) -> None:
        tally = self._frontends[name]
        tally.done += count
        tally.bytes += 2_400 * count
        tally.words["ok"] += count
        if name == "web":
            tally.words.update({"answer/closed-before-answer": self._rng.randrange(3), "write/client-gone": 1})
            tally.words["pick/queue-timeout"] += self.second % 20 == 0
        for phase, share in PHASES.items():
            for _ in range(min(count, 60)):
                _observe(tally.times[phase], 0.002 * share * self._rng.lognormvariate(0, 1))

    def _statistics(self) -> Statistics:
        pools = tuple(self._pool(name) for name in self._pools)
        return Statistics(
            version="0.1.0", pid=41_210, config_file=f"/etc/rproxy/lb.toml{self._hostile}", generation=8,
            started_at=START - 273_900, now=START + self.second, workers=self._workers(),
            frontends=tuple(self._frontend(name) for name in FRONTENDS), pools=pools,
            events=tuple(replace(event, text=event.text + self._hostile) for event in EVENTS),
        )  # fmt: skip

    def _workers(self) -> tuple[WorkerStatistics, ...]:
        return tuple(
            WorkerStatistics(
                number=number, pid=41_270 + number, state="running", since=START - (42 if number == 2 else 273_900),
                starts=2 if number == 2 else 1, active=150 + 7 * number, accepted=9_000 * number,
                exchanges=self._shares[number - 1], heartbeat_age=0.05 * number,
            )
            for number in (1, 2, 3, 4)
        )  # fmt: skip

    def _frontend(self, name: str) -> FrontendStatistics:
        tally = self._frontends[name]
        refused = {"502": tally.words["answer/closed-before-answer"], "503": tally.words["pick/queue-timeout"]}
        return FrontendStatistics(
            name=name + self._hostile, mode=FRONTENDS[name], addresses=ADDRESSES[name], active=40 + self.second % 9,
            accepted=tally.done // 30, exchanges=tally.done,
            statuses={} if FRONTENDS[name] == "tcp" else {"200": tally.words["ok"], **refused},
            reasons={word + ("" if word == "ok" else self._hostile): count for word, count in tally.words.items()},
            bytes_in=tally.bytes // 8, bytes_out=tally.bytes,
            phases={
                phase: Histogram(bounds=BOUNDS, counts=tuple(map(int, times[:-2])), sum=times[-2], count=int(times[-1]))
                for phase, times in tally.times.items()
            },
        )  # fmt: skip

    def _pool(self, name: str) -> PoolStatistics:
        balance, limit = self._pools[name]
        waiting = 3 + self.second % 11 if name == "api" else 0
        retried = {"answer/closed-before-answer": self.second // 2} if name == "app" else {}
        backends = (
            self._backend(role, tally)
            for role, tally in zip(self._roles, self._tallies, strict=True)
            if role.pool == name
        )
        return PoolStatistics(
            name=name + self._hostile, balance=balance, waiting=waiting, queue_limit=limit, backends=tuple(backends),
            retried=retried,
        )  # fmt: skip

    def _backend(self, role: Role, tally: Tally) -> BackendStatistics:
        wave = 1 + 0.3 * sin(self.second / 5 + len(role.address))
        taken = role.limit if role.state == "full" else round(role.rate * role.latency * wave * 3)
        return BackendStatistics(
            address=role.address + self._hostile, state=role.state, reason=role.reason + self._hostile,
            since=START + role.since, weight=role.weight, effective_weight=role.weight,
            taken=min(taken, role.limit or taken), max_connections=role.limit, idle=6 if role.rate else 0,
            picked=tally.done, statuses={word: count for word, count in tally.words.items() if word.isdigit()},
            failures={"answer/closed-before-answer": tally.words["502"]} if tally.words["502"] else {},
            latency=_spread(role.latency * wave) if role.rate else Latency(),
            bytes_in=tally.bytes // 8, bytes_out=tally.bytes, ejections=3 if role.state == "ejected" else 0,
            members=tuple(
                MemberStatistics(
                    number=number, pid=41_300 + number, state="running" if share else "stuck", starts=1,
                    connections=round(40 * share * wave),
                )
                for number, share in enumerate(role.members, 1)
            ),
        )  # fmt: skip


def _observe(times: list[float], seconds: float) -> None:
    """times: a count for each bound, one for what is above all, the sum, the count."""
    times[bisect_left(BOUNDS, seconds)] += 1
    times[-2] += seconds
    times[-1] += 1


def _spread(median: float) -> Latency:
    return Latency(p50=median, p90=2.1 * median, p99=6 * median)

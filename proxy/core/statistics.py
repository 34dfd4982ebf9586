"""What is known of a running rproxy: frozen records. `dataclasses.asdict` of them is what the admin API says.

Times ending in `_at`, `since` and `now` are seconds of the wall clock since 1970; durations are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

BackendCondition = Literal["ready", "full", "unhealthy", "ejected", "draining", "disabled", "starting"]
WorkerCondition = Literal["starting", "running", "draining", "hung", "dead"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A change of state. level: of the log."""

    at: float
    level: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """counts: one more than bounds, the last of what was over all of them; not cumulative. sum, bounds: seconds."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Seconds, of the last ten: from the choice of the backend to the head of its answer, or in TCP mode to its
    connection. So neither our queue nor a slow client is in it. None without exchanges."""

    p50: float | None = None
    p90: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberStatistics:
    """One process behind a backend. connections: established now that it owns; None where that is not known."""

    number: int
    pid: int | None
    state: str
    starts: int = 0
    connections: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendStatistics:
    """reason: why it is not ready, "" when it is. max_connections: 0 for no limit. picked: times it was chosen.

    statuses: of its answers. failures: tries that failed, by reason code."""

    address: str
    state: BackendCondition
    reason: str
    since: float
    weight: int
    effective_weight: float
    taken: int
    max_connections: int
    idle: int
    picked: int
    statuses: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    latency: Latency = field(default_factory=Latency)
    bytes_in: int = 0
    bytes_out: int = 0
    ejections: int = 0
    members: tuple[MemberStatistics, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStatistics:
    """waiting: in the queue now. retried: requests sent again, by what had failed."""

    name: str
    balance: str
    waiting: int
    queue_limit: int
    backends: tuple[BackendStatistics, ...]
    retried: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontendStatistics:
    """active: sessions. accepted: sessions ever. exchanges: requests (http) or sessions (tcp) that ended.

    statuses: told to clients. reasons: how exchanges ended, `ok` for well. phases: by the step's name."""

    name: str
    mode: str
    addresses: tuple[str, ...]
    active: int
    accepted: int
    exchanges: int
    statuses: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    bytes_in: int = 0
    bytes_out: int = 0
    phases: dict[str, Histogram] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What whoever starts a worker knows of it. starts: of this number so far. heartbeat_age: seconds since it last
    said that it moves; None for the process that tells this."""

    number: int
    pid: int
    state: WorkerCondition
    since: float
    starts: int
    heartbeat_age: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatistics(Life):
    """active: sessions now. accepted, exchanges: of all that had this number."""

    active: int
    accepted: int
    exchanges: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """generation: configurations taken in use so far, the first one included."""

    version: str
    pid: int
    config_file: str
    generation: int
    started_at: float
    now: float
    workers: tuple[WorkerStatistics, ...]
    frontends: tuple[FrontendStatistics, ...]
    pools: tuple[PoolStatistics, ...]
    events: tuple[Event, ...]

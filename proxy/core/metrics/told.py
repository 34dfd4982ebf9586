"""What a data plane tells of itself twice a second: what has been added since it told last, and how things stand.

Workers send it as JSON, and it is checked as a configuration is: a worker may be less trusted than its supervisor.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import NonNegativeFloat, NonNegativeInt, TypeAdapter

Counts = dict[str, NonNegativeInt]
Buckets = dict[NonNegativeInt, NonNegativeInt]


@dataclass(frozen=True, slots=True)
class Ended:
    """Exchanges (HTTP) or sessions (TCP) with the same end, as the access log has it: `record.Outcome`.

    pool, backend: "" for none. status: what the client was told; 0 for nothing, and in TCP mode.
    bytes_in: from clients; bytes_out: to them.
    """

    pool: str
    backend: str
    status: NonNegativeInt
    reason: str
    count: NonNegativeInt
    bytes_in: NonNegativeInt
    bytes_out: NonNegativeInt


@dataclass(frozen=True, slots=True)
class ToldTimes:
    """As `Times`: buckets by number, seconds in all."""

    counts: Buckets
    sum: NonNegativeFloat


@dataclass(frozen=True, slots=True)
class FrontendTold:
    """active: sessions now. All else since the last time. phases: by the name of the step.

    latencies: by pool and backend, from the choice of the backend to the head of its answer, or in TCP mode to its
    connection.
    """

    active: NonNegativeInt = 0
    accepted: NonNegativeInt = 0
    ended: list[Ended] = field(default_factory=list)
    phases: dict[str, ToldTimes] = field(default_factory=dict)
    latencies: dict[str, dict[str, Buckets]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BackendTold:
    """taken, idle: slots in use and connections kept, now. picked, failures: since the last time; failures by reason,
    of all tries: those of an exchange that another backend then served as well."""

    taken: NonNegativeInt = 0
    idle: NonNegativeInt = 0
    picked: NonNegativeInt = 0
    failures: Counts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PoolTold:
    """waiting: work in the queue now. retried: since the last time, by what had failed. backends: those of which there
    is something to tell."""

    waiting: NonNegativeInt = 0
    retried: Counts = field(default_factory=dict)
    backends: dict[str, BackendTold] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """crashes: handlers that raised, since the last time."""

    frontends: dict[str, FrontendTold] = field(default_factory=dict)
    pools: dict[str, PoolTold] = field(default_factory=dict)
    crashes: NonNegativeInt = 0


@cache
def _adapter() -> TypeAdapter[Told]:
    return TypeAdapter(Told)


def to_plain(told: Told) -> dict[str, Any]:
    """What `json.dumps` takes."""
    plain: dict[str, Any] = _adapter().dump_python(told, mode="json")
    return plain


def from_plain(plain: object) -> Told:
    """Raises pydantic.ValidationError, a ValueError."""
    return _adapter().validate_python(plain)

"""What a controller tells a data plane (orders), and what that tells it (reports).

Orders go down pickled where there is a process between, reports come up as JSON: a worker may have fewer rights than
its supervisor, and what unpickles runs code.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter

from proxy.core.metrics.told import Told, from_plain, to_plain

if TYPE_CHECKING:
    from proxy.core.config import Config
    from proxy.core.reload.listening import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendState:
    """All that a data plane is told of a backend while the configuration stays: may be sent again at any time.

    backend: its address as text, unique in its pool. is_healthy: may get work, by health checks, ejection, and the
    start of its process. is_draining: the operator wants it empty, or its process is replaced
    by another one; then is_returning, and work may wait for it. weight: what the policy goes by, 1 or more.
    sockaddr: of a host name that was resolved, with its address family.
    """

    pool: str
    backend: str
    is_healthy: bool = True
    is_draining: bool = False
    is_returning: bool = False
    weight: int = 1
    family: int = 0
    sockaddr: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Accept:
    """Everything has been told: serve clients from now on."""


@dataclass(frozen=True, slots=True)
class Reconfigure:
    """A new configuration, whole. states: what is decided of all backends by then, so that one that is not up yet gets
    no work. opened: the places, a frontend and an address each, of the new listening sockets that go with it."""

    config: Config
    states: tuple[BackendState, ...] = ()
    opened: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Drain:
    """Take nothing new, finish what runs, cut what is left after so many seconds; then report Drained."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ReopenFiles:
    """Log files have been moved away; certificates are to be read again if `certificates`."""

    certificates: bool = True


@dataclass(frozen=True, slots=True)
class StandIn:
    """Accept for other workers too, who are away: from the listening sockets that go with this, besides the own ones,
    and for nobody any more for whom that was said before. places: theirs."""

    places: tuple[Place, ...]


Order = Accept | BackendState | Reconfigure | Drain | ReopenFiles | StandIn


@dataclass(frozen=True, slots=True)
class Observed:
    """A backend did badly as often in a row as `[pools.NAME.ejection]` says, at connects or at its answers; or answers
    well again after that. reason: the code of the last failure."""

    pool: str
    backend: str
    what: Literal["connect-failed", "failed", "answered"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Emptied:
    """A backend that drains, or was removed, has no work of this data plane any more."""

    pool: str
    backend: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Answers Reconfigure: the order could not be carried out, everything is as it was. why: one line."""

    why: str


@dataclass(frozen=True, slots=True)
class Drained:
    """Answers Drain. cut: sessions that had to be."""

    cut: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A worker is ready to be told to accept."""


@dataclass(frozen=True, slots=True)
class CannotStart:
    """A worker ends because it cannot serve what it was told to. reason: one line."""

    reason: str


Plain = Observed | Emptied | Failed | Drained | Prepared | CannotStart
Report = Plain | Told
_PLAIN: dict[str, type[Plain]] = {
    kind.__name__: kind for kind in (Observed, Emptied, Failed, Drained, Prepared, CannotStart)
}


def report_as_json(report: Report) -> dict[str, Any]:
    """With its kind, for `report_from_json`."""
    if isinstance(report, Told):
        return {"kind": Told.__name__, **to_plain(report)}
    return {"kind": type(report).__name__, **{name: getattr(report, name) for name in type(report).__slots__}}


def report_from_json(fields: dict[str, Any]) -> Report:
    """Raises ValueError for anything that is no report; pydantic's ValidationError is one."""
    if fields.get("kind") == Told.__name__:
        return from_plain({name: value for name, value in fields.items() if name != "kind"})
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or kind not in _PLAIN:
        raise ValueError(f"no report: {kind!r:.80}")
    return _adapter(kind).validate_python(fields)


@cache
def _adapter(kind: str) -> TypeAdapter[Plain]:
    """Whoever sends a report may be less trusted than who reads it, and sends what it likes."""
    return TypeAdapter(_PLAIN[kind])

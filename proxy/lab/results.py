"""What the lab measured: frozen records, all of which `dataclasses.asdict` makes into JSON."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Slot:
    """A tenth of a second of a load. at: when it begins, in seconds from `LoadResult.began`. completed, errors: what
    ended in it. p50, max: latency of what was answered or timed out in it, in seconds; 0 for nothing."""

    at: float
    completed: int
    errors: int
    p50: float
    max: float


@dataclass(frozen=True, slots=True)
class Lateness:
    """Of the generator itself, in seconds: from the intended start of a request, or within a burst from the one before,
    until it was handed to its client."""

    p50: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class ConnectionLoad:
    """local: our end, `127.0.0.1:40000`, or `inode 4711` of a Unix socket; empty if it was never opened. requests:
    answered since then."""

    local: str
    requests: int


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What one load met. Counted are the requests whose intended start lay in the measured time, and each of them once:
    intended = completed + the sum of errors.

    seconds: the measured time. began: when it did, on `time.monotonic`, which all processes of a machine share.
    completed: answered with a status below 400. sent: those for which a connection was there, or begun.
    errors: by cause: refused, reset, timeout (it hangs), closed (ended early), status-503, garbled, unsent (no
    connection was free in time), backlog-full and no-socket (Unix); own-…: the generator's fault.
    latency: from the intended start, of all answers and of what timed out; service: the same from the actual send, or
    the connect; both HDR histograms of microseconds, V2 in base64: `hdrh.histogram.HdrHistogram.decode`.
    cpu_share: what the generator used of one processor. waited_share: of the time, it waited for a processor.
    valid: False where the generator was itself the bottleneck; why_invalid says it with numbers.
    """

    seconds: float
    intended: int
    sent: int
    completed: int
    errors: dict[str, int]
    latency: str
    service: str
    lateness: Lateness
    cpu_share: float
    valid: bool
    why_invalid: str
    timeline: tuple[Slot, ...]
    began: float = 0.0
    waited_share: float = 0.0
    per_connection: tuple[ConnectionLoad, ...] = ()


# ---------------------------------------------------------------------------------------------- one model, one scenario


@dataclass(frozen=True, slots=True)
class WorkerShare:
    """What one worker had of a load, told by the process that owns the accepted sockets. requests: None where they
    could not be counted. busy: CPU time, in seconds."""

    number: int
    pid: int
    connections: int
    requests: int | None
    busy: float


@dataclass(frozen=True, slots=True)
class Mark:
    """Something done to a deployment, in seconds from the beginning of its load: "SIGKILL worker 2"."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """figures: by the names in `figures.py`; what could not be measured is absent. settings: what was changed in the
    kernel for it, by name. load: the load that the figures are of. notes: sentences that explain a figure. cannot: why
    it was not measured, as a reason; then there are no figures."""

    scenario: str
    model: str
    variant: str
    repetition: int
    figures: dict[str, float]
    settings: dict[str, str] = field(default_factory=dict)
    load: LoadResult | None = None
    shares: tuple[WorkerShare, ...] = ()
    marks: tuple[Mark, ...] = ()
    notes: tuple[str, ...] = ()
    cannot: str = ""


# --------------------------------------------------------------------------------------------------- the whole of a run


@dataclass(frozen=True, slots=True)
class Available:
    """One variant of a model on this machine. missing: what it lacks, with how to get it; empty when it can run.
    description: the commands and configuration that ran; empty when it did not."""

    model: str
    variant: str
    summary: str
    missing: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that a run of `rproxy compare` knows; its JSON is this. environment: names and values in groups: {"machine":
    {"cpus": "2"}, "kernel": …, "programs": …}. settings: of the run, as given. began: seconds since 1970. finished:
    False when it was ended early; what is missing then is absent from results."""

    application: str
    environment: dict[str, dict[str, str]]
    settings: dict[str, str]
    began: float
    seconds: float
    finished: bool
    available: tuple[Available, ...]
    results: tuple[ScenarioResult, ...]

"""[pools.NAME]: backends that do the same work, and how it is shared among them."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BeforeValidator

from proxy.core.config.sections.ejection import Ejection
from proxy.core.config.sections.health_check import HealthCheck
from proxy.core.config.sections.pool_tls import PoolTls
from proxy.core.config.sections.retries import DEFAULT_RETRY_ON, RetryBudget, RetryOnItem
from proxy.core.config.sections.section import Section, like
from proxy.core.config.sections.units import Duration, IdleDuration
from proxy.core.config.sections.values import (
    Address,
    Balance,
    Command,
    OwnName,
    ProxyVersion,
    Whole,
    short_backend,
)

WhenAllDown = Literal["try", "refuse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend(Section):
    """One address that work is forwarded to. With nothing else to say, write the address alone: "127.0.0.1:9001"."""

    address: Annotated[Address, like("127.0.0.1:9001")]
    """Where it listens: host:port or unix:/path. Required."""
    weight: Annotated[Whole, like(4, ge=1, le=1000)] = 1
    """Its share of the work beside the others: 4 gets four times as much as 1. Default 1, from 1 to 1000."""
    max_connections: Annotated[Whole, like(100, ge=0, le=1_000_000)] = 0
    """Most requests (http) or connections (tcp) at a time; more wait in the pool's queue; 0 is no limit.
    Default 0, at most 1000000."""
    members: Annotated[Whole, like(4, ge=1, le=1024)] = 1
    """Processes that share the address with SO_REUSEPORT; TCP only. Default 1, from 1 to 1024."""
    command: Annotated[Command, like(["python", "-m", "backends.hello", "--listen", "{address}"])] = ()
    """The program to start and to restart when it dies, once per member: words in an array, or one text that is split
    as a shell would. {address}, {host}, {port}, {socket}, {member} and {pool} are filled in. Default: none, somebody
    else runs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolTimeouts(Section):
    """How long a backend may take, as durations."""

    connect: Annotated[Duration, like("3s")] = 3.0
    """To accept a connection; then another backend is tried. Default 3s, at most 1d."""
    response_head: Annotated[Duration, like("60s")] = 60.0
    """From the end of the request to the end of the response's head. Default 60s, at most 1d."""
    response_body: Annotated[Duration, like("60s")] = 60.0
    """Longest pause between two reads of a response's body. Default 60s, at most 1d."""
    queue: Annotated[Duration, like("5s")] = 5.0
    """Longest wait for a backend when all are full. Default 5s, at most 1d."""
    idle: Annotated[Duration, like("30s")] = 30.0
    """How long an idle connection is kept for the next request; shorter once the backend has shown that it closes them
    sooner. Default 30s, at most 1d."""
    send: Annotated[Duration, like("30s")] = 30.0
    """Longest pause during which a backend takes none of the bytes waiting for it. Default 30s, at most 1d."""
    drain: Annotated[IdleDuration, like("1h")] = 3600.0
    """How long tunnels (WebSocket) and tcp sessions with a backend may go on after it was drained or removed; then they
    are cut. Requests are always waited for. Default 1h, at most 30d."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool(Section):
    """Backends that do the same work, and how it is shared among them. Its name is in the header: [pools.NAME]."""

    name: OwnName
    balance: Annotated[Balance, like("least-connections")] = "least-connections"
    """Who gets the next piece of work; weights count in all of them. Default least-connections."""
    backends: Annotated[
        tuple[Annotated[Backend, BeforeValidator(short_backend, json_schema_input_type=str | Backend)], ...],
        like(["127.0.0.1:9001", "unix:/run/app.sock"]),
    ] = ()
    """Where the work goes: at least one, each an address, or a table with more. Required."""
    timeouts: Annotated[PoolTimeouts, like({"connect": "3s"})] = field(default_factory=PoolTimeouts)
    """How long a backend may take."""
    health_check: Annotated[HealthCheck | None, like({"path": "/healthz"})] = None
    """Probe every backend and leave out those that fail. Default: none; only one that is out of service because
    connects failed is probed then, by a connect."""
    ejection: Annotated[Ejection, like({"max_percent": 50})] = field(default_factory=Ejection)
    """Which backends are left out because of how they do their work."""
    when_all_down: Annotated[WhenAllDown, like("refuse")] = "try"
    """What happens to work when no backend is healthy: "try" gives it to all but the drained and disabled ones, as if
    they were healthy, because probes that fail everywhere at once are more often wrong, or too strict for a busy hour,
    than right, and a refused connect costs next to nothing; "refuse" answers 503 at once. Default try."""
    slow_start: Annotated[Duration | None, like("30s")] = None
    """How long a backend that comes back, or that a reload adds, takes from a twentieth of its weight to all of it.
    Default: none, it has all at once; at most 1d."""
    tls: Annotated[PoolTls | None, like({"ca": "/etc/rproxy/ca.pem"})] = None
    """Speak TLS to the backends. Default: none, plain text."""
    proxy_protocol: Annotated[ProxyVersion | None, like("v2")] = None
    """Begin every connection to a backend with a PROXY header that says who the client is, of this version. In http
    mode a connection then serves one client only. Default: none."""
    queue: Annotated[Whole, like(1024, ge=0, le=1_000_000)] = 1024
    """Requests or connections that may wait when every backend is full; 0 refuses at once.
    Default 1024, at most 1000000."""
    idle_connections: Annotated[Whole, like(1024, ge=0, le=1_000_000)] = 1024
    """Most idle connections kept to each backend; 0 keeps none. Default 1024, at most 1000000."""
    retries: Annotated[Whole, like(3, ge=0, le=100)] = 3
    """Most other tries of a request or connection whose first one failed. Default 3, from 0 to 100."""
    retry_on: Annotated[tuple[RetryOnItem, ...], like(["closed", "reset", "503"])] = DEFAULT_RETRY_ON
    """After what a request is tried again, if its method is idempotent, all of it (up to 64 KiB of body) is still here,
    and nothing of an answer reached the client. "closed" and "reset": the backend's connection, before an answer;
    "unhealthy": probes or ejection took the backend out while its answer was waited for; "response-head-timeout",
    "bad-response"; an answer with status "429", "500", "502", "503" or "504", if another backend is ready;
    "non-idempotent": POST and PATCH too. "connect-failure" is always retried, whatever the method.
    Default ["connect-failure", "closed", "reset", "unhealthy"]."""
    retry_budget: Annotated[RetryBudget, like({"percent": 20})] = field(default_factory=RetryBudget)
    """How much may be sent again."""

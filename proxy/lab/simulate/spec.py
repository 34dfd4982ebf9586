"""What to simulate."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Literal

from proxy.lab.load.arrivals import arrivals
from proxy.lab.load.spec import LoadSpec
from proxy.lab.simulate.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.lab.simulate.service import Service

Arrivals = Literal["poisson", "constant", "bursts", "trace"]


@dataclass(frozen=True, slots=True)
class SimulationSpec:
    """workers: so many, each of which works on `slots` requests at once. service: seconds of a worker for a request.
    load: of all slots, what share is busy; rate = load * workers * slots / mean service. "trace" for `arrivals`: as
    recorded in `service`, a Trace; load says nothing then. burst: arrivals at the same moment, with "bursts".
    connections: kept alive, each with one request at a time; others wait for one, on the clock. 0: a new one for each.
    reserve: seconds until a worker that pulls has its next job, after each. patterns: of the tuple space.
    proxies, limit: of rproxy in front, see `schemes.proxied`. requests: in all; of them the first `warm_up` share are
    not recorded. seed: of every draw, the same for all schemes.
    """

    service: Service
    workers: int = 4
    slots: int = 1
    load: float = 0.8
    arrivals: Arrivals = "poisson"
    burst: int = 1
    connections: int = 0
    reserve: float = 0.0
    patterns: int = 1
    proxies: int = 1
    limit: int = 0
    requests: int = 200_000
    warm_up: float = 0.1
    seed: int = 1

    def __post_init__(self) -> None:
        """Raises ValueError, naming the field."""
        for name in ("workers", "slots", "load", "burst", "patterns", "proxies", "requests"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: {getattr(self, name)} is not above 0")
        for name in ("connections", "reserve", "limit"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: {getattr(self, name)} is below 0")
        if self.patterns > self.workers:
            raise ValueError(f"patterns: {self.patterns} need as many workers, and there are {self.workers}")
        if self.arrivals == "trace" and not (isinstance(self.service, Trace) and self.service.arrivals):
            raise ValueError("arrivals: no trace with arrivals was given")

    @property
    def rate(self) -> float:
        """Requests per second."""
        if self.arrivals == "trace" and isinstance(self.service, Trace):
            return len(self.service.arrivals) / self.service.span
        return self.load * self.workers * self.slots / self.service.mean

    @property
    def offered(self) -> float:
        """The share of all slots that is busy, with nobody ever idle beside work; over 1 the queue grows for ever."""
        return self.rate * self.service.mean / (self.workers * self.slots)

    def moments(self) -> Iterator[float]:
        """When requests arrive, in seconds: as the lab's own generator has them come, from the same seed."""
        if isinstance(self.service, Trace) and self.arrivals == "trace":
            return islice(self.service.moments(), self.requests)
        kind = "poisson" if self.arrivals == "trace" else self.arrivals
        load = LoadSpec("127.0.0.1:1", rate=self.rate, arrivals=kind, burst=self.burst, seed=self.seed)
        return islice(arrivals(load, 1e18), self.requests)

    def services(self) -> Iterator[float]:
        """Of each request; with `Mixed` those that the generator draws by its paths, from the same seed."""
        return self.service.draws(Random(f"paths {self.seed}"))

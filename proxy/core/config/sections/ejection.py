"""[pools.NAME.ejection]: which backends are left out because of how they do their work."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from proxy.core.config.positions import Path
from proxy.core.config.problem import Finding
from proxy.core.config.sections.section import Section, like
from proxy.core.config.sections.units import Duration, format_duration
from proxy.core.config.sections.values import Whole

# On unless it is turned off, because the default policy makes it dear to be without: a backend that answers 500 in
# 1 ms beside others that take 20 looks the least busy of all, so least-connections gives it nearly everything.
# What makes it safe to have on: an outlier is one that fails while another does not, so that a database that is down,
# or a client that asks only for what fails, cannot empty a pool; the last backend is never ejected, nor over half.
# Envoy, once it is asked for this, takes 5 answers, 30 s and 10 %; nginx one failure, for 10 s. Pools here are small:
# 10 % of four backends is none, so half; and 10 s that double are as long as 30 s after the second time.


@dataclass(frozen=True, slots=True, kw_only=True)
class Ejection(Section):
    """Leaves out backends that fail at their work, as the traffic itself shows."""

    connect_failures: Annotated[Whole, like(3, ge=0, le=1000)] = 3
    """Connects in a row that must fail until a backend is left out; it comes back when probes of it succeed. 0: never.
    Default 3, at most 1000."""
    failures: Annotated[Whole, like(5, ge=0, le=1000)] = 5
    """Requests (http) in a row that must fail at a backend, while others in the pool do not fail, until it is ejected:
    answered 500, 502, 503 or 504, with something that is not HTTP, or not at all. 0: never. Default 5, at most 1000."""
    first_time: Annotated[Duration, like("10s")] = 10.0
    """How long it is out the first time; twice as long each time that it is ejected again, and one doubling less for
    each such time that it then works. Default 10s, at most 1d."""
    longest_time: Annotated[Duration, like("5m")] = 300.0
    """The longest that it is out at a time. Default 5m, at most 1d."""
    max_percent: Annotated[Whole, like(50, ge=0, le=100)] = 50
    """The share of a pool that may be ejected at a time, one backend at least and never the last one that is healthy;
    0: none. Default 50, at most 100."""


def check_ejection(ejection: Ejection, path: Path) -> Iterator[Finding]:
    """path: of the table."""
    if ejection.first_time > ejection.longest_time:
        longest = format_duration(ejection.longest_time)
        yield Finding(
            path=(*path, "first_time"),
            message=f'"first_time" is longer than "longest_time", which is {longest}',
            example=f'longest_time = "{format_duration(ejection.first_time)}"',
        )

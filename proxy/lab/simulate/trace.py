"""A recorded trace instead of a distribution: the access log of rproxy, or lines of numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from random import Random


class BadTrace(ValueError):
    """The message names the line."""


@dataclass(frozen=True, slots=True)
class Trace:
    """services: seconds, in the order of arrival. arrivals: seconds since the first one, ascending; empty if they were
    not recorded. What is longer than the trace has it again from the beginning."""

    services: tuple[float, ...]
    arrivals: tuple[float, ...] = ()
    mean: float = field(init=False)
    cv2: float = field(init=False)

    def __post_init__(self) -> None:
        mean = sum(self.services) / len(self.services)
        square = sum(service * service for service in self.services) / len(self.services)
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "cv2", square / mean**2 - 1)

    @property
    def span(self) -> float:
        """Seconds of one round: behind the last arrival one mean distance more."""
        count = len(self.arrivals)
        return self.arrivals[-1] * count / (count - 1)

    def draws(self, rng: Random) -> Iterator[float]:
        """In their order, since slow requests often come together."""
        return cycle(self.services)

    def moments(self) -> Iterator[float]:
        """Of the arrivals, without end."""
        begin, span = 0.0, self.span
        while True:
            for arrival in self.arrivals:
                yield begin + arrival
            begin += span


def read_trace(lines: Iterable[str]) -> Trace:
    """Each line is an object of an access log with `format = "json"`; or `SERVICE`; or `ARRIVAL SERVICE`, in seconds,
    with a comma or spaces between.

    Of an access log the service is the time from the sent request to the first byte of the answer (`us.answer`): it has
    in it what the request waited for in the backend, so a log of quiet hours predicts best. Exchanges that no backend
    answered are left out. Lines that are empty or begin with # are skipped. Raises BadTrace.
    """
    pairs = [pair for number, line in enumerate(lines, 1) if (pair := _read(line.strip(), number)) is not None]
    if not pairs:
        raise BadTrace("no request in it")
    if not any(service for _, service in pairs):
        raise BadTrace("all service times are 0")
    timed = [arrival for arrival, _ in pairs if arrival is not None]
    if not timed:
        return Trace(tuple(service for _, service in pairs))
    if len(timed) < len(pairs):
        raise BadTrace("some lines have an arrival and some have none")
    ordered = sorted((arrival or 0.0, service) for arrival, service in pairs)
    first, last = ordered[0][0], ordered[-1][0]
    services = tuple(service for _, service in ordered)
    return Trace(services, tuple(arrival - first for arrival, _ in ordered) if last > first else ())


def _read(line: str, number: int) -> tuple[float | None, float] | None:
    """Arrival and service; None for a line that tells of no work."""
    if not line or line.startswith("#"):
        return None
    try:
        return _logged(json.loads(line)) if line.startswith("{") else _numbers(line)
    except (ValueError, KeyError, TypeError, AttributeError):
        what = "an object with time and us.answer, or one or two numbers of seconds"
        raise BadTrace(f"line {number} is not {what}: {line[:60]!r}") from None


def _numbers(line: str) -> tuple[float | None, float]:
    *arrival, service = [float(text) for text in line.replace(",", " ").split()]
    if len(arrival) > 1 or service < 0 or not all(isfinite(value) for value in (*arrival, service)):
        raise ValueError
    return (arrival[0] if arrival else None), service


def _logged(entry: dict[str, object]) -> tuple[float | None, float] | None:
    micros = entry["us"]
    if entry["backend_status"] is None or not isinstance(micros, dict):
        return None
    return datetime.fromisoformat(str(entry["time"])).timestamp(), float(micros["answer"]) / 1e6

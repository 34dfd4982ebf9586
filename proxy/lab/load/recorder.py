"""What became of every request, kept as plain numbers while the load runs and made into a result behind it."""

from __future__ import annotations

import time
from array import array
from collections import Counter
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdrh.histogram import HdrHistogram

from proxy.lab.load.clients.causes import TIMEOUT, UNSENT
from proxy.lab.results import Slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from proxy.lab.load.clients.pools import Ending

SLOT = 0.1  # seconds of the timeline
LONGEST = 3_600_000_000  # microseconds that a histogram can tell


@dataclass(frozen=True, slots=True)
class Usage:
    """Of this process since its start, in seconds: of a processor, and of waiting for one."""

    at: float
    cpu: float
    waited: float


def usage_now() -> Usage:
    return Usage(time.monotonic(), time.process_time(), _waited())


def _waited() -> float:
    """Second figure of /proc/self/schedstat (Documentation/scheduler/sched-stats.rst); 0 where there is none."""
    try:
        return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


class Recorder:
    """began, seconds: the measured time; what was intended before it is not recorded, whenever it ends.

    24 bytes for a request: an hour at 1,000 per second takes 86 MB, and nothing is computed until it is over.
    Latency is that of answers, errors among them, and of what was given up after its timeout: it was at least as slow
    as that, and leaving it out would make a server look faster for not answering.
    """

    def __init__(self, began: float, seconds: float) -> None:
        self.began, self.seconds = began, seconds
        self.intended = self.sent = 0
        self.errors: Counter[str] = Counter()
        self.error_ends = array("d")
        self.ends = array("d")  # of what has a latency
        self.latencies = array("f")
        self.services = array("f")
        self.is_good = bytearray()
        self.latenesses = array("f")
        self.begin_usage = self.end_usage = usage_now()

    def begin(self, at: float) -> None:
        self.begin_usage = self.end_usage = usage_now()

    def end(self, at: float) -> None:
        self.end_usage = usage_now()

    def cut(self, now: float) -> None:
        """It ends before its time, with what has ended so far."""
        if now < self.began + self.seconds:
            self.end(now)
            self.seconds = max(now - self.began, 0.0)
        self.intended = self.completed + self.errors.total()

    def arrived(self, intended: float, lateness: float) -> None:
        """The source has handed it on, so many seconds late: through nobody's fault but the generator's."""
        if intended >= self.began:
            self.intended += 1
            self.latenesses.append(lateness)

    def finished(self, ending: Ending) -> None:
        intended, begun, at, cause = ending.intended, ending.begun, ending.at, ending.cause
        if intended < self.began:
            return
        if begun:
            self.sent += 1
        if cause:
            self.errors[cause] += 1
            self.error_ends.append(at)
            if cause not in (TIMEOUT, UNSENT) and not cause.startswith("status-"):
                return
        self.ends.append(at)
        self.is_good.append(not cause)
        self.latencies.append(at - intended)
        if begun:
            self.services.append(at - begun)

    @property
    def completed(self) -> int:
        return sum(self.is_good)

    @property
    def cpu_share(self) -> float:
        """Of one processor, while measuring."""
        return (self.end_usage.cpu - self.begin_usage.cpu) / self._measured

    @property
    def waited_share(self) -> float:
        """Of the measured time: it could have run, and the processors were busy with others."""
        return (self.end_usage.waited - self.begin_usage.waited) / self._measured

    @property
    def _measured(self) -> float:
        return max(self.end_usage.at - self.begin_usage.at, 1e-9)

    def timeline(self) -> list[Slot]:
        """By when requests ended; the last slots may lie behind the measured time, since answers may."""
        slots: dict[int, list[float]] = {}
        good: Counter[int] = Counter()
        for end, latency, is_good in zip(self.ends, self.latencies, self.is_good, strict=True):
            slot = int((end - self.began) / SLOT)
            slots.setdefault(slot, []).append(latency)
            good[slot] += is_good
        errors = Counter(int((end - self.began) / SLOT) for end in self.error_ends)
        last = max([*slots, *errors, round(self.seconds / SLOT) - 1])
        return [_slot(slot, sorted(slots.get(slot, [])), good[slot], errors[slot]) for slot in range(last + 1)]


def _slot(number: int, latencies: Sequence[float], completed: int, errors: int) -> Slot:
    return Slot(round(number * SLOT, 1), completed, errors, quantile(latencies, 0.5), quantile(latencies, 1.0))


def histogram(seconds: Iterable[float]) -> HdrHistogram:
    """In microseconds, to three significant digits; what is shorter than one counts as one."""
    made = HdrHistogram(1, LONGEST, 3)
    for value, count in Counter(int(second * 1e6 + 0.5) for second in seconds).items():
        made.record_value(min(max(value, 1), LONGEST), count)
    return made


def encoded(made: HdrHistogram) -> str:
    """Base64 of the compressed V2 encoding, as every HdrHistogram reads it."""
    text: Any = made.encode()
    return text.decode("ascii") if isinstance(text, bytes) else str(text)


def quantile(values: Sequence[float], share: float) -> float:
    """Of ascending values, the smallest that `share` of them do not exceed; 0 for none."""
    return values[max(ceil(share * len(values)) - 1, 0)] if values else 0.0

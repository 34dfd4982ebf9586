"""How long processors have worked for processes."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from proxy.lab.measure.families import family, read_parents, stat_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CPUCLOCK_SCHED = 2  # include/linux/posix-timers.h: the time that the scheduler gave, in nanoseconds
_WAITED_FOR = slice(13, 15)  # of what stands behind the name: cutime and cstime
_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(roots: Iterable[int], parents: Mapping[int, int] | None = None) -> float:
    """Since they were started, of these processes and all their descendants, in user and kernel mode.

    Those that ended count as soon as their parent has waited for them: to its tick of 10 ms, the others to the
    nanosecond. A root that has ended, and all it has used, is missing. parents: if somebody has just read them.
    """
    return sum(_own(pid) + _waited_for(pid) for pid in family(roots, read_parents() if parents is None else parents))


def _own(pid: int) -> float:
    """clock_getcpuclockid(3) makes the clock of a process from its id like this; its threads that ended count too."""
    try:
        return time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)
    except OSError:
        return 0.0


def _waited_for(pid: int) -> float:
    return sum(map(int, stat_fields(pid)[_WAITED_FOR])) / _TICK

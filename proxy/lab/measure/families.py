"""Processes with all that they have started, and what these started in turn."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_STATE, _PARENT = 0, 1  # of what stands behind the name in /proc/PID/stat (proc_pid_stat(5))
_ENDED = "ZX"


def read_parents() -> dict[int, int]:
    """Of every process that we see and that has not ended: its parent. 12 us for each."""
    return dict(_parents())


def family(roots: Iterable[int], parents: Mapping[int, int]) -> list[int]:
    """The roots that live, and their descendants, each once, in ascending order. parents: as `read_parents` gives."""
    children = defaultdict(list)
    for pid, parent in parents.items():
        children[parent].append(pid)
    found: set[int] = set()
    waiting = [pid for pid in roots if pid in parents]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children[pid]
    return sorted(found)


def stat_fields(pid: int) -> list[str]:
    """What stands in /proc/PID/stat behind the name, which may itself hold anything; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _parents() -> Iterator[tuple[int, int]]:
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := stat_fields(int(entry))) and fields[_STATE] not in _ENDED:
            yield int(entry), int(fields[_PARENT])

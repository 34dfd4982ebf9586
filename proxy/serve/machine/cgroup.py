"""What the kernel lets this process have of the machine: CPUs by affinity and quota, files of its control group."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


def usable_cpus() -> float:
    """CPUs that we may run on; fewer where a quota says so, also of a group above ours: 0.5 is half the time of one."""
    return min([float(len(os.sched_getaffinity(0))), *map(_quota, read_all("cpu.max"))])


def read_all(name: str, root: Path = ROOT) -> list[str]:
    """That file of our control group (version 2), and of those above it, as far as there is one."""
    groups = [root / own_group().lstrip("/")]
    while groups[-1] != root and root in groups[-1].parents:
        groups.append(groups[-1].parent)
    return [text for group in groups if (text := _read(group / name)) is not None]


def own_group() -> str:
    """Its path, as we see it; "/" when there is none of version 2."""
    found = (_read(Path("/proc/self/cgroup")) or "").rpartition("0::")[2].partition("\n")[0]
    return found or "/"


def _quota(text: str) -> float:
    """Of `cpu.max`: `max 100000`, or `50000 100000` for half a CPU."""
    quota, _, period = text.partition(" ")
    return float("inf") if quota == "max" else int(quota) / int(period)


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None

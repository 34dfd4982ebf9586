"""Whether there can be a private systemd here, told without starting one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from proxy.lab.models.model import Missing

# program: Debian's package. The manager itself is not in any PATH.
_PROGRAMS = {"systemctl": "systemd", "journalctl": "systemd", "nsenter": "util-linux", "unshare": "util-linux"}
MANAGER = Path("/usr/lib/systemd/systemd")
CAP_SYS_ADMIN = 21  # linux/capability.h: namespaces, mounts


def missing_for_private_systemd() -> tuple[Missing, ...]:
    """Nothing: it will come up, unless rules of the kernel (a container's, AppArmor's) forbid it; then it says so."""
    packages = {package for program, package in _PROGRAMS.items() if shutil.which(program) is None}
    if not MANAGER.exists():
        packages.add("systemd")
    if packages:
        names = " ".join(sorted(packages))
        return (Missing(f"no {' and no '.join(sorted(packages))}", f"apt-get install {names}"),)
    if os.geteuid() == 0:
        if _capabilities() >> CAP_SYS_ADMIN & 1:
            return ()
        return (Missing("no right to make namespaces (CAP_SYS_ADMIN), which a private systemd needs"),)
    if _has_own_cgroup():
        return ()
    how = "run as root, or with: systemd-run --user --scope -p Delegate=yes rproxy compare"
    return (Missing("no cgroup of our own, which a private systemd needs", how),)


def _capabilities() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff":
            return int(value, 16)
    return 0


def _has_own_cgroup() -> bool:
    """Whether we may make others below the one that we are in. Where none is mounted, it is to be tried."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    own = next((line[len("0::") :] for line in lines if line.startswith("0::")), None)
    if own is None:
        return False
    places = [place for place in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")) if _is_cgroup2(place)]
    return all(os.access(f"{place}{own}", os.W_OK) for place in places)


def _is_cgroup2(place: Path) -> bool:
    return (place / "cgroup.procs").exists()

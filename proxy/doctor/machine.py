"""What checks are told of the machine: read once, then plain data."""

from __future__ import annotations

import grp
import math
import os
import platform
import pwd
import resource
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.serve.machine.cgroup import read_all, usable_cpus
from proxy.serve.machine.processes import Process, holders, user_name
from proxy.serve.machine.sock_diag import ListeningSocket, listening_sockets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.core.config import Config
    from proxy.doctor.probe import Probe

SYSCTLS = (
    "net.core.somaxconn", "net.ipv4.tcp_migrate_req", "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_unprivileged_port_start", "net.ipv6.conf.all.disable_ipv6",
    "net.ipv6.bindv6only", "fs.nr_open", "fs.file-max",
)  # fmt: skip
PYTHON = Path(os.__file__).resolve()
CAP_NET_BIND_SERVICE = 10  # linux/capability.h


@dataclass(frozen=True, slots=True)
class Listening:
    """One listening socket. owners: the processes that hold it; empty if that cannot be seen.

    is_stuck: somebody waited in its queue at both looks, which are as far apart as the probes took.
    """

    socket: ListeningSocket
    owners: tuple[Process, ...] = ()
    is_stuck: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """Whose rights count when rproxy runs: after it has become `user`, if that is configured."""

    uid: int
    gids: frozenset[int]
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """sysctls: those of SYSCTLS that this kernel has. cpus: that we may run on, or less by a quota of the cgroup, for
    which `workers = "auto"` has a worker each; inf if unknown. memory: bytes that are free to use, inf if unknown.
    open_files: the hard limit, of the rproxy that serves this configuration if one runs. uid: who runs the doctor.
    runs_as: who will serve; None if that user does not exist. python: a file of the library that runs us. overflows:
    connections that found a full accept queue, since the machine was started. listening: None if the kernel would not
    say.
    """

    kernel: str = ""
    sysctls: Mapping[str, str] = field(default_factory=dict)
    cpus: float = math.inf
    memory: float = math.inf
    open_files: int = resource.RLIM_INFINITY
    uid: int = 0
    binds_low_ports: bool = True
    runs_as: User | None = None
    python: Path = PYTHON
    overflows: int = 0
    listening: tuple[Listening, ...] | None = ()
    probes: Mapping[str, Probe] = field(default_factory=dict)

    def number(self, name: str) -> int | None:
        """A sysctl that is one number; None if this kernel has none of that name."""
        value = self.sysctls.get(name)
        return int(value) if value is not None else None


def read_machine(config: Config) -> Machine:
    """As it is now, without probes. Reads files only."""
    return Machine(
        kernel=platform.release(),
        sysctls={name: value for name in SYSCTLS if (value := _sysctl(name)) is not None},
        cpus=usable_cpus(),
        memory=_memory(),
        open_files=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        uid=os.geteuid(),
        binds_low_ports=_has_capability(CAP_NET_BIND_SERVICE),
        runs_as=_user(config),
        overflows=_overflows(_read("/proc/net/netstat") or ""),
        listening=look_at_sockets(),
    )


def open_files_of(pid: int) -> int | None:
    """The hard limit of another process; None if it is not told."""
    for line in (_read(f"/proc/{pid}/limits") or "").splitlines():
        if line.startswith("Max open files"):
            most = line.split()[4]
            return resource.RLIM_INFINITY if most == "unlimited" else int(most)
    return None


def look_at_sockets() -> tuple[Listening, ...] | None:
    """None where the kernel cannot be asked."""
    try:
        sockets = listening_sockets()
    except OSError:
        return None
    owners = holders(sock.inode for sock in sockets)
    return tuple(Listening(sock, tuple(owners.get(sock.inode, ()))) for sock in sockets)


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None


def _sysctl(name: str) -> str | None:
    return _read("/proc/sys/" + name.replace(".", "/"))


def _memory() -> float:
    """What can be had without swapping, and what the cgroup still allows."""
    lines = dict(line.split(":", 1) for line in (_read("/proc/meminfo") or "").splitlines())
    free = int(lines["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in lines else math.inf
    limits = zip(read_all("memory.max"), read_all("memory.current"), strict=False)
    return min([free, *(int(most) - int(used) for most, used in limits if most != "max")])


def _overflows(netstat: str) -> int:
    """TcpExt: ListenOverflows; a line of names, then one of numbers."""
    lines = [line.split() for line in netstat.splitlines() if line.startswith("TcpExt:")]
    return int(dict(zip(*lines, strict=False)).get("ListenOverflows", 0)) if len(lines) == 2 else 0


def _has_capability(number: int) -> bool:
    for line in (_read("/proc/self/status") or "").splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> number & 1)
    return os.geteuid() == 0


def _user(config: Config) -> User | None:
    if config.user is None:
        return User(os.geteuid(), frozenset({os.getegid(), *os.getgroups()}), user_name(os.geteuid()))
    try:
        entry = pwd.getpwnam(config.user)
        gid = grp.getgrnam(config.group).gr_gid if config.group is not None else entry.pw_gid
    except KeyError:
        return None
    return User(entry.pw_uid, frozenset(os.getgrouplist(entry.pw_name, gid)), entry.pw_name)

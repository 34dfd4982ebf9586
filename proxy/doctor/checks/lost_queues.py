"""net.ipv4.tcp_migrate_req: what becomes of the connections in a SO_REUSEPORT member's queue when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.doctor.finding import Finding, Level, sysctl_fix
from proxy.doctor.places import backends_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.config import Config
    from proxy.doctor.machine import Machine

NAME = "net.ipv4.tcp_migrate_req"
WHY = (
    "Each member of a SO_REUSEPORT group has an accept queue of its own. When a member ends, the kernel resets the "
    "connections in it; with tcp_migrate_req=1 another member of the group gets them. rproxy's own listeners do not "
    "need it: they stay open when a worker ends."
)


def check(config: Config, machine: Machine) -> Iterator[Finding]:
    value = machine.number(NAME)
    groups = [where for where, _, backend in backends_of(config) if backend.members > 1]
    groups += [f"frontend {name}" for name, frontend in config.frontends.items() if frontend.socket.reuse_port]
    if value or (config.frontends and not groups):
        return
    where = groups[0] + (f" and {len(groups) - 1} more" if len(groups) > 1 else "") if groups else "machine"
    level: Level = "warning" if groups else "note"
    if value is None:
        yield Finding(
            level=level,
            where=where,
            what=f"kernel {machine.kernel} has no {NAME}: it came with Linux 5.14",
            why=WHY,
            fix=("# update the kernel, or let rproxy pick the members: a Unix socket or a port for each",),
        )
    else:
        yield Finding(level=level, where=where, what=f"{NAME} is 0", why=WHY, fix=sysctl_fix(NAME, 1))

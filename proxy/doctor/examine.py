"""Every check, one after another, on one look at the machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import trio

from proxy.core.config import Config
from proxy.doctor.checks import (
    accept_queues,
    admin_access,
    idle_connections,
    ip_versions,
    local_ports,
    lost_queues,
    memory,
    open_files,
    port_owners,
    privileges,
    processors,
    reuseport_groups,
    unix_sockets,
    unreachable,
)
from proxy.doctor.finding import STATUSES
from proxy.doctor.machine import look_at_sockets, open_files_of, read_machine
from proxy.doctor.places import serving
from proxy.doctor.probe import probe_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from proxy.doctor.finding import Finding
    from proxy.doctor.machine import Listening, Machine

BETWEEN_LOOKS = 0.3  # seconds in which whoever is well has accepted what waits

CHECKS: dict[str, Callable[[Config, Machine], Iterator[Finding]]] = {
    "port owners": port_owners.check,
    "REUSEPORT groups": reuseport_groups.check,
    "Unix sockets": unix_sockets.check,
    "unreachable backends": unreachable.check,
    "accept queues": accept_queues.check,
    "lost queues": lost_queues.check,
    "idle connections": idle_connections.check,
    "open files": open_files.check,
    "local ports": local_ports.check,
    "memory": memory.check,
    "processors": processors.check,
    "IP versions": ip_versions.check,
    "privileges": privileges.check,
    "admin access": admin_access.check,
}
NOTHING = Config(frontends={})  # of a machine alone


@dataclass(frozen=True, slots=True)
class Examination:
    """findings: with the name of the check that made it, the worst first."""

    machine: Machine
    findings: tuple[tuple[str, Finding], ...]

    @property
    def status(self) -> int:
        """0: nothing but notes, 1: warnings, 2: problems."""
        return max((STATUSES[finding.level] for _, finding in self.findings), default=0)


def examine(config: Config | None, *, asks: bool = True) -> Examination:
    """Of the machine, and of what `config` wants of it. asks: send each HTTP backend a HEAD request, and watch for some
    seconds how long it keeps the connection."""
    config = config or NOTHING
    machine = trio.run(_look, config, asks)
    found = [(name, finding) for name, check in CHECKS.items() for finding in check(config, machine)]
    return Examination(machine, tuple(sorted(found, key=lambda pair: -STATUSES[pair[1].level])))


async def _look(config: Config, asks: bool) -> Machine:
    machine = read_machine(config)
    probes = await probe_all(config, asks=asks)
    before = look_at_sockets()
    await trio.sleep(BETWEEN_LOOKS)
    machine = replace(machine, probes=probes, listening=still_waiting(before, look_at_sockets()))
    running = serving(config, machine)
    open_files = open_files_of(running.pid) if running is not None else None
    return machine if open_files is None else replace(machine, open_files=open_files)


def still_waiting(
    before: tuple[Listening, ...] | None, after: tuple[Listening, ...] | None
) -> tuple[Listening, ...] | None:
    """`after`, with those marked whose queue was empty at neither look."""
    waited = {found.socket.inode for found in before or () if found.socket.waiting}
    if after is None:
        return None
    return tuple(replace(f, is_stuck=f.socket.inode in waited and f.socket.waiting > 0) for f in after)

"""Descriptors: two for each client of a process, against what this user and this kernel allow."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

from proxy.doctor.finding import Finding, sysctl_fix
from proxy.doctor.places import workers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.config import Config
    from proxy.doctor.machine import Machine

SPARE = 100  # listeners, logs, the reactor, managed backends' pipes
WHY = (
    "A session has a connection to its client and one to a backend. Without a descriptor left nobody is accepted, and "
    "work that has been accepted finds no backend."
)


def check(config: Config, machine: Machine) -> Iterator[Finding]:
    workers = workers_of(config, machine)
    clients = sum(-(-frontend.limits.connections // workers) for frontend in config.frontends.values())
    need = 2 * clients + SPARE
    if not clients:
        return
    if machine.open_files != resource.RLIM_INFINITY and machine.open_files < need:
        yield Finding(
            level="warning",
            where="frontends, limits.connections",
            what=f"{clients} clients of a process need {need} open files, and the limit is {machine.open_files}",
            why=WHY,
            fix=(
                f"ulimit -Hn {need}    # as root, in the shell that starts rproxy",
                f"LimitNOFILE={need}    # or in its unit file",
            ),
        )
    for name in ("fs.nr_open", "fs.file-max"):
        most = machine.number(name)
        if most is not None and most < need:
            yield Finding(
                level="warning",
                where="frontends, limits.connections",
                what=f"{clients} clients of a process need {need} open files, and {name} is {most}",
                why=WHY,
                fix=sysctl_fix(name, need),
            )

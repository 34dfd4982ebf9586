"""Workers against the CPUs that they may use."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from proxy.doctor.finding import Finding
from proxy.doctor.places import workers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.config import Config
    from proxy.doctor.machine import Machine

MANY = 4  # with fewer, backends on the same machine need the rest


def check(config: Config, machine: Machine) -> Iterator[Finding]:
    if machine.cpus == math.inf or not config.frontends:
        return
    workers = workers_of(config, machine)
    if workers > math.ceil(machine.cpus):
        yield Finding(
            level="warning",
            where="workers",
            what=f"{workers} workers on {machine.cpus:g} CPUs",
            why="A worker is one thread, never idle under load: more of them than CPUs take turns, and each turn "
            "adds milliseconds to the slowest requests.",
            fix=(f"workers = {math.ceil(machine.cpus)}",),
        )
    elif config.workers == 1 and machine.cpus >= MANY:
        yield Finding(
            level="note",
            where="workers",
            what=f"one worker on {machine.cpus:g} CPUs",
            why="One worker uses one CPU: some 50,000 small requests per second over HTTP.",
            fix=('workers = "auto"',),
        )

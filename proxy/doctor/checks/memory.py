"""What all clients together can make us hold, against what is free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.doctor.finding import Finding
from proxy.doctor.places import workers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.config import Config
    from proxy.doctor.machine import Machine

KIB, MIB = 1 << 10, 1 << 20
SESSION = 256 * KIB  # the most that one client can make us hold; tests/acceptance/test_memory.py holds us to it
SEEN = 90 * KIB  # the most that a client reached there
BASE = 60 * MIB  # the process itself


def check(config: Config, machine: Machine) -> Iterator[Finding]:
    workers = workers_of(config, machine)
    clients = sum(frontend.limits.connections for frontend in config.frontends.values())
    wanted = workers * BASE + clients * SEEN
    if clients and wanted > machine.memory:
        room = max(1, int((machine.memory - workers * BASE) // SEEN))
        yield Finding(
            level="warning",
            where="frontends, limits.connections",
            what=f"{clients} clients can make us hold {wanted // MIB} MiB, {machine.memory / MIB:.0f} are free",
            why=f"Clients that send and never read have been seen to take {SEEN // KIB} KiB each, at most they take "
            f"{SESSION // KIB} KiB, and idle ones 1 KiB. The kernel's socket buffers come on top.",
            fix=(f"connections = {room}    # in the limits of the frontends, together",),
        )

"""Backends that close idle connections sooner than we stop using them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from proxy.core.keep_alive import safe
from proxy.doctor.finding import Finding
from proxy.doctor.places import backends_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.config import Config
    from proxy.doctor.machine import Machine

AT_ONCE = 0.1  # seconds


def check(config: Config, machine: Machine) -> Iterator[Finding]:
    for where, pool, backend in backends_of(config):
        probe = machine.probes.get(str(backend.address))
        if probe is None or probe.error or probe.closed_after == math.inf or not pool.idle_connections:
            continue
        seconds = probe.closed_after
        if seconds < AT_ONCE:
            if probe.answered:
                yield Finding(
                    level="note",
                    where=where,
                    what="it closes the connection with every answer",
                    why="Each request pays for a new connection; a TCP port stays taken for a minute after each.",
                    fix=("# let the application keep connections; gunicorn does with -k gthread",),
                )
        elif seconds < pool.timeouts.idle and probe.told == math.inf:
            yield Finding(
                level="warning",
                where=where,
                what=f"it closes idle connections after {seconds:.1f} s, and we keep them for {pool.timeouts.idle:g} s",
                why="A request that is sent at that moment is lost: GET and other idempotent ones go again, a POST "
                "is answered 502. rproxy learns it after two such closes, and anew after each start.",
                fix=(
                    f'idle = "{max(0.1, math.floor(safe(seconds) * 10) / 10):g}s"    # in the pool\'s timeouts',
                    f"uvicorn --timeout-keep-alive {math.ceil(pool.timeouts.idle) + 5}    # or what it is called there",
                ),
            )

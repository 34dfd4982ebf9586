"""What most needs eyes: backends, members and workers that should work and do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from proxy.top import words
from proxy.top.styles import BAD, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from proxy.core.statistics import BackendStatistics, Statistics

SERVING = {"ready", "full"}
ASKED_FOR = {"draining", "disabled"}  # by an operator, who needs not be told again
WELL = {"running", "starting", "draining"}  # members and workers


class Trouble(NamedTuple):
    """why: a reason and for how long, "" where there is none."""

    state: str
    name: str
    why: str


def troubles(statistics: Statistics) -> list[Trouble]:
    return [*_backends(statistics), *_workers(statistics)]


def verdict(statistics: Statistics) -> Text:
    """`12 of 13 backends take work`; or, worse, which pools nobody serves."""
    backends = [backend for pool in statistics.pools for backend in pool.backends]
    serving = sum(backend.state in SERVING for backend in backends)
    dead = [pool.name for pool in statistics.pools if not any(one.state in SERVING for one in pool.backends)]
    if dead:
        return plain(f"▲ nothing serves {', '.join(dead)}", BAD)
    told = f"{serving} of {len(backends)} backends take work"
    return plain(f"■ {told}", "bold yellow") if troubles(statistics) else plain(f"● {told}", "green")


def _backends(statistics: Statistics) -> Iterator[Trouble]:
    for pool in statistics.pools:
        for backend in pool.backends:
            name = f"{pool.name} {backend.address}"
            if backend.state not in SERVING | ASKED_FOR:
                age = f"for {words.age(statistics.now - backend.since)}"
                yield Trouble(backend.state, name, ", ".join(filter(None, (backend.reason, age))))
            yield from _members(backend, name)


def _members(backend: BackendStatistics, name: str) -> Iterator[Trouble]:
    for member in backend.members:
        if member.state not in WELL:
            yield Trouble(member.state, name, f"member {member.number}" + (f", pid {member.pid}" if member.pid else ""))


def _workers(statistics: Statistics) -> Iterator[Trouble]:
    for worker in statistics.workers:
        if worker.state not in WELL:
            age = f"for {words.age(statistics.now - worker.since)}"
            yield Trouble(worker.state, f"worker {worker.number}", f"pid {worker.pid}, {age}")

"""Queues of connections that nobody has accepted yet: ours against somaxconn, and those of backends on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.address import UnixAddress
from proxy.doctor.finding import Finding, sysctl_fix
from proxy.doctor.places import backends_of, names_of, reached

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.config import Config
    from proxy.doctor.machine import Listening, Machine

SOMAXCONN = "net.core.somaxconn"
SMALL = 64  # a backlog under this fills with one burst: 5 is what Python's socketserver asks for, 128 most others
OVERFLOW = {
    True: "A full queue of a Unix socket refuses at once (EAGAIN); the work waits in the pool's queue, or is refused.",
    False: "A full queue drops new connections without a word; the kernel tries again after 1, 3 and 7 seconds.",
}


def check(config: Config, machine: Machine) -> Iterator[Finding]:
    yield from _ours(config, machine)
    if machine.overflows:
        yield Finding(
            level="note",
            where="machine",
            what=f"{machine.overflows} connections have found a full accept queue since the start of this machine",
            why="Of whatever listens here: clients waited a second or longer, or gave up. If the number still grows, "
            "somebody accepts too slowly, or asks for too small a backlog.",
            fix=(
                "nstat -az TcpExtListenOverflows    # whether it grows",
                "ss -ltn    # where Recv-Q comes near to Send-Q",
            ),
        )
    for where, _, backend in backends_of(config):
        is_unix = isinstance(backend.address, UnixAddress)
        most = backend.max_connections // backend.members if backend.max_connections else SMALL
        for found in reached(machine, backend.address):
            yield from _theirs(where, found, min(most, SMALL), is_unix=is_unix)


def _ours(config: Config, machine: Machine) -> Iterator[Finding]:
    most = machine.number(SOMAXCONN)
    backlog = max((frontend.socket.backlog for frontend in config.frontends.values()), default=4096)
    if most is None or most >= backlog:
        return
    names = ", ".join(name for name, frontend in config.frontends.items() if frontend.socket.backlog > most)
    yield Finding(
        level="warning",
        where=f"frontend {names}" if names else "machine",
        what=f"the kernel lowers a backlog of {backlog} to {SOMAXCONN} = {most}",
        why=f"Of more than {most} at once some wait 1 s or longer until their first packet is sent again.",
        fix=sysctl_fix(SOMAXCONN, backlog),
    )


def _theirs(where: str, found: Listening, enough: int, *, is_unix: bool) -> Iterator[Finding]:
    waiting, backlog = found.socket.waiting, found.socket.backlog
    if waiting > backlog or (found.is_stuck and waiting):
        yield Finding(
            level="problem",
            where=where,
            what=f"{waiting} of {backlog} places in the accept queue of {names_of([found])} are taken, and stay so",
            why="It does not accept what connects: it hangs, is stopped, or is too slow. " + OVERFLOW[is_unix],
            fix=tuple(f"cat /proc/{owner.pid}/status    # what it is doing" for owner in found.owners[:1])
            or ("# look at what the process is doing",),
        )
    elif backlog < enough:
        yield Finding(
            level="warning",
            where=where,
            what=f"{names_of([found])} listens with a backlog of {backlog}",
            why=OVERFLOW[is_unix],
            fix=("# ask for more where the application listens: --backlog of gunicorn and uvicorn, or its own",),
        )

"""Backends behind which several processes share a port: are there as many listeners as declared, and whose are they?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress
from proxy.doctor.finding import Finding
from proxy.doctor.places import backends_of, names_of, reached

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.config import Backend, Config
    from proxy.doctor.machine import Listening, Machine


def check(config: Config, machine: Machine) -> Iterator[Finding]:
    for where, _, backend in backends_of(config):
        found = reached(machine, backend.address) if isinstance(backend.address, TcpAddress) else []
        if found:
            yield from _count(where, backend, found)
            yield from _strangers(where, found)


def _count(where: str, backend: Backend, found: list[Listening]) -> Iterator[Finding]:
    members, sockets = backend.members, len(found)
    processes = {owner.pid for one in found for owner in one.owners}
    if sockets < members and len(processes) > sockets:
        yield Finding(
            level="warning",
            where=where,
            what=f"no fan-out: {len(processes)} processes share {_listeners(sockets)}, where {members} were declared",
            why="The socket was made before they were forked, so that SO_REUSEPORT did nothing: whoever wakes first "
            "accepts, often the same one, and a group can neither be probed nor spread evenly.",
            fix=(
                "# let every process bind its own socket with SO_REUSEPORT",
                "members = 1    # or declare it as what it is",
            ),
        )
    elif sockets < members:
        yield Finding(
            level="problem",
            where=where,
            what=f"{sockets} of {members} members listen: {names_of(found)}",
            why=f"The others' share of the work falls on {'this one' if sockets == 1 else 'these'}.",
            fix=("# start those that are missing", f"members = {sockets}    # or declare what there is"),
        )
    elif sockets > members:
        yield Finding(
            level="warning",
            where=where,
            what=f"{_listeners(sockets)} on this port, where {members} declared: {names_of(found)}",
            why="A copy that somebody forgot gets its share of the work; and where members are not declared, a probe "
            "meets only one of them, so that a member that hangs is not found.",
            fix=(_ss(backend), f"members = {sockets}    # if all of them are meant"),
        )


def _strangers(where: str, found: list[Listening]) -> Iterator[Finding]:
    """One program under one user, or else somebody else takes a share. Numbers in commands may differ: `--worker 3`."""
    commands = {tuple(re.sub(r"\d+", "#", word) for word in owner.command) for one in found for owner in one.owners[:1]}
    users = {one.socket.uid for one in found}
    if len(commands) > 1 or len(users) > 1:
        kinds = "programs" if len(commands) > 1 else "users"
        yield Finding(
            level="warning",
            where=where,
            what=f"different {kinds} share this port: {names_of(found)}",
            why="The kernel gives every socket of the group a share of the connections, whoever made it.",
            fix=("# " + "; ".join(sorted({" ".join(owner.command)[:80] for one in found for owner in one.owners})),),
        )


def _listeners(number: int) -> str:
    return f"{number} listening socket{'s' if number > 1 else ''}"


def _ss(backend: Backend) -> str:
    assert isinstance(backend.address, TcpAddress)
    return f"ss -ltnp 'sport = :{backend.address.port}'    # who they are"

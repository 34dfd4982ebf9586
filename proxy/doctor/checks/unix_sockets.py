"""Paths of Unix sockets: is there a socket, does somebody listen on it, and who may connect or replace it?"""

from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.core.address import UnixAddress
from proxy.doctor.finding import Finding
from proxy.doctor.permissions import WRITE, first_closed, may, stat_of
from proxy.doctor.places import backends_of, listens_of, reached

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.config import Config, Frontend
    from proxy.doctor.machine import Machine, User


def check(config: Config, machine: Machine) -> Iterator[Finding]:
    for where, frontend, address in listens_of(config):
        if isinstance(address, UnixAddress) and not address.is_abstract:
            yield from _ours(where, frontend, address, machine)
    for where, _, backend in backends_of(config):
        address = backend.address
        if isinstance(address, UnixAddress) and not address.is_abstract and not backend.command:
            yield from _theirs(where, Path(address.path), machine)


def _ours(where: str, frontend: Frontend, address: UnixAddress, machine: Machine) -> Iterator[Finding]:
    path = Path(address.path)
    folder = stat_of(path.parent)
    if folder is None:
        yield Finding(
            level="problem",
            where=where,
            what=f"there is no directory {path.parent}",
            why="rproxy will not start.",
            fix=(f"mkdir -p {path.parent}", "RuntimeDirectory=rproxy    # or in its unit file, for /run/rproxy"),
        )
        return
    if folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX:
        yield Finding(
            level="warning",
            where=where,
            what=f"everybody may write to {path.parent}",
            why="Any user can put a socket of their own in the place of ours, and clients will talk to it.",
            fix=(f"chmod o-w {path.parent}",),
        )
    there = stat_of(path)
    if there is not None and not stat.S_ISSOCK(there.st_mode):
        yield Finding(
            level="problem",
            where=where,
            what=f"{path} exists and is no socket",
            why="rproxy will not start, and deletes no file but sockets.",
            fix=(f"mv {path} {path}.old",),
        )
    elif there is not None and machine.listening is not None and not reached(machine, address):
        yield Finding(
            level="note",
            where=where,
            what=f"{path} is left over: nobody listens on it",
            why="Clients are refused until rproxy starts, which replaces it.",
            fix=(f"rm {path}",),
        )
    mode = frontend.socket.unix_mode
    if not mode & 0o022:
        yield Finding(
            level="note",
            where=where,
            what=f"unix_mode {mode:04o} lets only its owner and root connect",
            why="To connect one must be allowed to write to the socket.",
            fix=('unix_mode = "0660"', 'unix_group = "www-data"    # the group of those who may'),
        )


def _theirs(where: str, path: Path, machine: Machine) -> Iterator[Finding]:
    user = machine.runs_as
    closed = first_closed(user, path) if user else None
    there = stat_of(path)
    if closed is not None and user is not None:
        yield Finding(
            level="problem",
            where=where,
            what=f"user {user.name} may not enter {closed}",
            why="Every connect fails with EACCES, and the backend counts as down.",
            fix=(f"chmod o+x {closed}", f"setfacl -m u:{user.name}:x {closed}    # or for this user alone"),
        )
    elif there is None:
        yield Finding(
            level="problem",
            where=where,
            what=f"there is no {path}",
            why="The application has not started, or listens elsewhere.",
            fix=(f"ls -l {path.parent}", "ss -lx    # where applications listen"),
        )
    elif not stat.S_ISSOCK(there.st_mode):
        yield Finding(
            level="problem",
            where=where,
            what=f"{path} is no socket",
            why="Every connect is refused.",
            fix=(f"ls -l {path}",),
        )
    elif user and not may(user, path, WRITE):
        yield Finding(
            level="problem",
            where=where,
            what=f"user {user.name} may not connect to {path} ({stat.filemode(there.st_mode)})",
            why="To connect one must be allowed to write to the socket; every connect fails with EACCES.",
            fix=(f"chgrp {_group(user)} {path} && chmod g+w {path}    # and the application's umask, for the next",),
        )
    elif _refuses(machine, path):
        yield Finding(
            level="problem",
            where=where,
            what=f"{path} is stale: nobody listens on it",
            why="The application ended without removing it; many do not start while it is there.",
            fix=(f"rm {path}    # then start the application",),
        )


def _refuses(machine: Machine, path: Path) -> bool:
    probe = machine.probes.get(f"unix:{path}")
    return probe is not None and probe.error == errno.ECONNREFUSED


def _group(user: User) -> int:
    return min(user.gids, default=0)

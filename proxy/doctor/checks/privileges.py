"""Who rproxy will be when it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.doctor.finding import Finding
from proxy.doctor.permissions import READ, first_closed, may

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.config import Config
    from proxy.doctor.machine import Machine


def check(config: Config, machine: Machine) -> Iterator[Finding]:
    yield from _who(config, machine)
    user = machine.runs_as
    closed = first_closed(user, machine.python) if user is not None else None
    if user is not None and config.frontends and (closed or not may(user, machine.python, READ)):
        yield Finding(
            level="warning",
            where="user",
            what=f"user {user.name} cannot read the Python that runs rproxy, in {closed or machine.python}",
            why="Managed backends written in Python do not start; and one process with [admin] does not start, while "
            "the supervisor of several workers stays root.",
            fix=("# install rproxy with a Python that everybody can read: /usr/bin/python3 -m venv /opt/rproxy",),
        )


def _who(config: Config, machine: Machine) -> Iterator[Finding]:
    if config.user is not None and machine.runs_as is None:
        yield Finding(
            level="problem",
            where="user",
            what=f"there is no user {config.user} with this group on this machine",
            why="rproxy will not start.",
            fix=(f"useradd --system --no-create-home --shell /usr/sbin/nologin {config.user}",),
        )
    elif config.user is not None and machine.runs_as is not None and machine.uid not in (0, machine.runs_as.uid):
        yield Finding(
            level="problem",
            where="user",
            what=f"only root can become user {config.user}, and this is user id {machine.uid}",
            why="Started as this user rproxy will end at once.",
            fix=("# start it as root, or leave `user` out",),
        )
    elif config.frontends and machine.runs_as is not None and machine.runs_as.uid == 0:
        yield Finding(
            level="warning",
            where="user",
            what="rproxy would serve as root",
            why="A fault in it would give away the machine. Root is needed to bind low ports and to read keys: that is "
            "over before the first client.",
            fix=('user = "nobody"    # or a user of its own',),
        )

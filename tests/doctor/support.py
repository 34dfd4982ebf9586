"""Configurations and machines for checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.address import parse_address
from proxy.core.config import Config, parse_config
from proxy.doctor.machine import Listening, Machine, User
from proxy.serve.machine.processes import Process
from proxy.serve.machine.sock_diag import ListeningSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from proxy.doctor.finding import Finding

NOBODY = User(65534, frozenset({65534}), "nobody")


def config(
    text: str = "", *, web: str = 'listen = "127.0.0.1:8080"', app: str = 'backends = ["127.0.0.1:9001"]'
) -> Config:
    """text: before the tables. web: the frontend; app: the pool."""
    return parse_config(f'{text}\n[frontends.web]\npool = "app"\n{web}\n[pools.app]\n{app}\n', "lb.toml")


def listening(
    address: str, *owners: Process, waiting: int = 0, backlog: int = 128, uid: int | None = 1000,
    takes_ipv4: bool = False, is_stuck: bool = False,
) -> Listening:  # fmt: skip
    return Listening(ListeningSocket(parse_address(address), 1, waiting, backlog, uid, takes_ipv4), owners, is_stuck)


def process(pid: int, *command: str, uid: int = 1000) -> Process:
    return Process(pid, command[0], command, uid)


def only(check: Callable[[Config, Machine], Iterator[Finding]], config: Config, machine: Machine) -> Finding:
    """The one thing that is found, which has all that a reader needs."""
    (finding,) = check(config, machine)
    assert finding.where
    assert finding.what
    assert finding.why.endswith(".")
    assert finding.fix
    assert all(finding.fix)
    return finding

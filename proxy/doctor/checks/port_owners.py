"""Others on the addresses that we are to listen on, or that our managed backends are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress
from proxy.doctor.finding import Finding
from proxy.doctor.places import addresses_of, backends_of, in_the_way, listens_of, names_of, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.address import Address
    from proxy.core.config import Config
    from proxy.doctor.machine import Listening, Machine


def check(config: Config, machine: Machine) -> Iterator[Finding]:
    shares = {address for _, f, address in listens_of(config) if f.socket.reuse_port or config.workers != 1}
    for where, address in addresses_of(config):
        strangers = [found for found in in_the_way(machine, address) if not _is_ours(found)]
        if strangers:
            yield Finding(
                level="problem",
                where=where,
                what=f"{names_of(strangers)} listens there",
                why="With SO_REUSEPORT on both sides the kernel gives each of them a share of the clients, at random; "
                "without it on theirs rproxy will not start."
                if isinstance(address, TcpAddress) and address in shares
                else "rproxy will not start: the address is in use.",
                fix=_who(address),
            )
    yield from _managed(config, machine)


def _managed(config: Config, machine: Machine) -> Iterator[Finding]:
    """A member whose parent is no rproxy: one that outlived it, or a second copy by hand."""
    for where, _, backend in backends_of(config):
        found = in_the_way(machine, backend.address) if backend.command else []
        if found and serving(config, machine) is None:
            yield Finding(
                level="problem",
                where=where,
                what=f"{names_of(found)} listens there, and rproxy does not run",
                why="What rproxy starts with `command` finds the address in use, or shares its work with what is left "
                "of an earlier run.",
                fix=_who(backend.address),
            )


def _is_ours(found: Listening) -> bool:
    return any(owner.is_rproxy for owner in found.owners)


def _who(address: Address) -> tuple[str, ...]:
    if isinstance(address, TcpAddress):
        return (f"ss -ltnp 'sport = :{address.port}'    # who it is; end it, or choose another port",)
    return (f"ss -lxp | grep -F {address.path}    # who it is; end it, or choose another path",)

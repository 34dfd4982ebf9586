"""Which listening sockets of this machine an address means."""

from __future__ import annotations

import ipaddress
import math
import socket
from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config import AUTO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.address import Address
    from proxy.core.config import Backend, Config, Frontend, Pool
    from proxy.doctor.machine import Listening, Machine
    from proxy.serve.machine.processes import Process

ANY_IPV4, ANY_IPV6 = "0.0.0.0", "::"


def reached(machine: Machine, address: Address) -> list[Listening]:
    """Where a connect to `address` may end: of the sockets that fit, the kernel takes those for just this address."""
    here = machine.listening or ()
    if isinstance(address, UnixAddress):
        return [found for found in here if found.socket.address == address]
    exact = [found for found in here if found.socket.address == address]
    if exact or not is_here(address.host):
        return exact
    return [found for found in on_port(machine, address.port) if _takes(found, address.host)]


def on_port(machine: Machine, port: int) -> list[Listening]:
    """Every TCP listener of this port, whatever its host."""
    return [
        found
        for found in machine.listening or ()
        if isinstance(found.socket.address, TcpAddress) and found.socket.address.port == port
    ]


def in_the_way(machine: Machine, address: Address) -> list[Listening]:
    """What keeps us from binding `address`, unless all of them set SO_REUSEPORT."""
    if isinstance(address, UnixAddress):
        return reached(machine, address)
    return [found for found in on_port(machine, address.port) if _overlaps(found, address.host)]


def _takes(found: Listening, host: str) -> bool:
    address = found.socket.address
    assert isinstance(address, TcpAddress)
    if host == "localhost":
        return address.host in ("127.0.0.1", "::1", ANY_IPV4, ANY_IPV6)
    if _is_v6(host):
        return address.host == ANY_IPV6
    return address.host == ANY_IPV4 or (address.host == ANY_IPV6 and found.socket.takes_ipv4)


def _overlaps(found: Listening, host: str) -> bool:
    """Ours take IPv6 only where they are IPv6."""
    address = found.socket.address
    assert isinstance(address, TcpAddress)
    if address.host == host or _takes(found, host):
        return True
    if host == ANY_IPV6:
        return _is_v6(address.host)
    return host == ANY_IPV4 and (not _is_v6(address.host) or found.socket.takes_ipv4)


def is_here(host: str) -> bool:
    """An address of this machine: one that can be bound. Names but localhost are not looked up."""
    if host == "localhost":
        return True
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.bind((host, 0))
    except (OSError, ValueError):
        return False
    return True


def _is_v6(host: str) -> bool:
    return ":" in host


def backends_of(config: Config) -> Iterator[tuple[str, Pool, Backend]]:
    """With where each stands, for findings."""
    for name, pool in config.pools.items():
        for backend in pool.backends:
            yield f"pool {name}, backend {backend.address}", pool, backend


def serving(config: Config, machine: Machine) -> Process | None:
    """A running rproxy that listens where this configuration says."""
    owners = (o for _, a in addresses_of(config) for found in in_the_way(machine, a) for o in found.owners)
    return next((owner for owner in owners if owner.is_rproxy), None)


def workers_of(config: Config, machine: Machine) -> int:
    """Processes that serve clients; limits.connections is divided among them."""
    if config.workers != AUTO:
        return config.workers
    return math.ceil(machine.cpus) if machine.cpus != math.inf else 1


def listens_of(config: Config) -> Iterator[tuple[str, Frontend, Address]]:
    """Every address of a frontend."""
    for name, frontend in config.frontends.items():
        for address in frontend.listen:
            yield f"frontend {name}, {address}", frontend, address


def addresses_of(config: Config) -> Iterator[tuple[str, Address]]:
    """Every address that we shall listen on."""
    for where, _, address in listens_of(config):
        yield where, address
    if config.admin is not None:
        yield f"admin, {config.admin.listen}", config.admin.listen


def names_of(found: list[Listening]) -> str:
    """Who holds them, at most four by name: `nginx (pid 1, user root) and 3 more`."""
    owners = sorted({str(owner) for one in found for owner in one.owners})
    if not owners:
        return "somebody that only root can see"
    rest = f" and {len(owners) - 4} more" if len(owners) > 4 else ""
    return ", ".join(owners[:4]) + rest

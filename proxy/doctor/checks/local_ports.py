"""The range from which the kernel takes ports for outgoing connections: large enough, and clear of what listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress
from proxy.doctor.finding import Finding, sysctl_fix
from proxy.doctor.places import addresses_of, backends_of, is_here

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.config import Config
    from proxy.doctor.machine import Machine

RANGE, RESERVED = "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports"
UNPRIVILEGED = "net.ipv4.ip_unprivileged_port_start"


def check(config: Config, machine: Machine) -> Iterator[Finding]:
    if RANGE in machine.sysctls:
        low, high = map(int, machine.sysctls[RANGE].split())
        yield from _too_few(config, high - low + 1)
        yield from _in_the_range(config, machine, low, high)
    yield from _low(config, machine)


def _too_few(config: Config, ports: int) -> Iterator[Finding]:
    """One port per connection to one address."""
    for name, pool in config.pools.items():
        tcp = [backend for backend in pool.backends if isinstance(backend.address, TcpAddress)]
        if len(tcp) < len(pool.backends) or not tcp:
            continue  # Unix sockets need none
        clients = sum(f.limits.connections for f in config.frontends.values() if name in f.pool_names)
        room = sum(min(ports, backend.max_connections or ports) for backend in tcp)
        if clients > room and not all(backend.max_connections for backend in tcp):
            yield Finding(
                level="warning",
                where=f"pool {name}",
                what=f"{clients} clients may come; there are {ports} local ports for each of {len(tcp)} backends",
                why="When they are used up, connects fail with EADDRNOTAVAIL though every backend is well. Ports of "
                "connections that were closed stay taken for a minute.",
                fix=sysctl_fix(RANGE, "1024 65535"),
            )


def _in_the_range(config: Config, machine: Machine, low: int, high: int) -> Iterator[Finding]:
    reserved = _ports(machine.sysctls.get(RESERVED, ""))
    places = list(addresses_of(config))
    places += [(where, b.address) for where, _, b in backends_of(config)]
    for where, address in places:
        if not isinstance(address, TcpAddress) or not is_here(address.host) or address.port in reserved:
            continue
        if low <= address.port <= high:
            yield Finding(
                level="note",
                where=where,
                what=f"the kernel gives port {address.port} to outgoing connections too",
                why=f"Any of {low} to {high} may be taken at the moment when the listener starts again, which "
                "then fails with EADDRINUSE.",
                fix=sysctl_fix(RESERVED, ",".join(map(str, sorted({*reserved, address.port})))),
            )


def _low(config: Config, machine: Machine) -> Iterator[Finding]:
    first = machine.number(UNPRIVILEGED)
    for where, address in addresses_of(config):
        if first is None or machine.binds_low_ports or not isinstance(address, TcpAddress):
            continue
        if 0 < address.port < first:
            yield Finding(
                level="problem",
                where=where,
                what=f"port {address.port} is below {first}: only root may listen there",
                why="rproxy will not start as this user.",
                fix=(
                    "AmbientCapabilities=CAP_NET_BIND_SERVICE    # in its unit",
                    *sysctl_fix(UNPRIVILEGED, address.port),
                ),
            )


def _ports(text: str) -> set[int]:
    """Of `8080,9000-9010`."""
    ports: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        ports |= set(range(int(first), int(last or first) + 1))
    return ports

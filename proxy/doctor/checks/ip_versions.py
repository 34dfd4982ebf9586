"""IPv4 and IPv6: what is reachable over which, and what stands in the way of what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress
from proxy.doctor.finding import Finding, sysctl_fix
from proxy.doctor.places import ANY_IPV4, ANY_IPV6, addresses_of, backends_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.config import Config
    from proxy.doctor.machine import Machine

DISABLED = "net.ipv6.conf.all.disable_ipv6"


def check(config: Config, machine: Machine) -> Iterator[Finding]:
    yield from _without_ipv6(config, machine)
    for name, frontend in config.frontends.items():
        addresses = [address for address in frontend.listen if isinstance(address, TcpAddress)]
        for address in addresses:
            if address.host == ANY_IPV6 and not any(a.port == address.port and ":" not in a.host for a in addresses):
                yield Finding(
                    level="warning",
                    where=f"frontend {name}, {address}",
                    what="IPv4 clients are refused here",
                    why="Our IPv6 listeners take IPv6 only, whatever net.ipv6.bindv6only says, so that both can be "
                    "listened on, each under its own name.",
                    fix=(f'listen = ["{TcpAddress(ANY_IPV4, address.port)}", "{address}"]',),
                )


def _without_ipv6(config: Config, machine: Machine) -> Iterator[Finding]:
    is_off = machine.sysctls.get(DISABLED) != "0"  # no such file: a kernel without IPv6
    places = list(addresses_of(config))
    places += [(where, backend.address) for where, _, backend in backends_of(config)]
    for where, address in places:
        if is_off and isinstance(address, TcpAddress) and ":" in address.host:
            yield Finding(
                level="problem",
                where=where,
                what="IPv6 is switched off on this machine",
                why="Nothing can listen on this address or reach it.",
                fix=sysctl_fix(DISABLED, 0),
            )

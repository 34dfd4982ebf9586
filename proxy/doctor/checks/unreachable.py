"""Backends that do not accept a connection now."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress, UnixAddress, is_local
from proxy.doctor.finding import Finding
from proxy.doctor.places import addresses_of, backends_of, names_of, on_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.config import Config
    from proxy.doctor.machine import Machine


def check(config: Config, machine: Machine) -> Iterator[Finding]:
    own = {address for _, address in addresses_of(config)}  # one frontend is the backend of another
    for where, _, backend in backends_of(config):
        probe = machine.probes.get(str(backend.address))
        if probe is None or not probe.error or backend.command or backend.address in own:
            continue
        address = backend.address
        if isinstance(address, UnixAddress):
            if probe.error == errno.EAGAIN:
                yield _finding(
                    where,
                    "its accept queue is full",
                    "It does not accept what connects: it hangs, or is too slow.",
                    address,
                )
            elif address.is_abstract:
                yield _finding(
                    where,
                    "nobody listens there",
                    "The application has not started, or is in another network namespace.",
                    address,
                )
            continue  # all else is a matter of the path: unix_sockets.py
        elsewhere = on_port(machine, address.port) if is_local(address) else []
        if elsewhere and probe.error == errno.ECONNREFUSED:
            places = ", ".join(sorted({str(found.socket.address) for found in elsewhere}))
            yield _finding(
                where,
                f"nobody listens there, but {names_of(elsewhere)} does on {places}",
                "IPv4 and IPv6 are two worlds: one that listens on ::1 is not met at 127.0.0.1.",
                address,
            )
        else:
            yield _finding(
                where,
                f"it cannot be reached: {os.strerror(probe.error)}",
                "It is down, or listens elsewhere, or a firewall stands between; until then the others do its work.",
                address,
            )


def _finding(where: str, what: str, why: str, address: TcpAddress | UnixAddress) -> Finding:
    look = f"ss -ltnp 'sport = :{address.port}'" if isinstance(address, TcpAddress) else "ss -lxp"
    return Finding(level="problem", where=where, what=what, why=why, fix=(f"{look}    # who listens, on its machine",))

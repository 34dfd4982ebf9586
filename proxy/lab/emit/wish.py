"""What is to be deployed, and the files that do it."""

from __future__ import annotations

import ipaddress
import os
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress, parse_address
from proxy.lab.emit.unit_files import Place

if TYPE_CHECKING:
    from proxy.lab.application import Application

UNIT_DIRECTORY = "/etc/systemd/system"


class NoUnits(ValueError):
    """The message says why, and what could be had instead."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be deployed. listen: for clients, host and port. directory: in which the application runs. user: empty
    for root. name: of the units."""

    application: Application
    workers: int = 2
    listen: str = "127.0.0.1:8080"
    directory: str = field(default_factory=os.getcwd)
    user: str = ""
    name: str = "app"

    @property
    def address(self) -> TcpAddress:
        """Raises NoUnits, or AddressError."""
        address = parse_address(self.listen)
        if not isinstance(address, TcpAddress) or not address.port or not _is_ip(address.host):
            raise NoUnits(f"{self.listen}: systemd wants an IP address and a port here: 127.0.0.1:8080")
        return address

    @property
    def ipv4(self) -> str:
        """The host, where it has to be one of IPv4. Raises NoUnits."""
        if ":" in self.address.host:
            raise NoUnits(f"{self.listen}: an IPv4 address is needed here")
        return self.address.host

    @property
    def place(self) -> Place:
        return Place(self.name, str(self.address), self.directory, self.user)


@dataclass(frozen=True, slots=True)
class Files:
    """units: texts by name, for /etc/systemd/system. configs: texts by the whole path at which they are looked for.
    enable: the unit that starts all."""

    units: dict[str, str]
    enable: str
    configs: dict[str, str] = field(default_factory=dict)

    def write(self, directory: str) -> None:
        """All into one directory, which is made. Raises OSError."""
        os.makedirs(directory, exist_ok=True)
        for name, text in self._named().items():
            with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                file.write(text)

    @property
    def names(self) -> list[str]:
        """Of the files in that directory."""
        return list(self._named())

    def _named(self) -> dict[str, str]:
        return self.units | {os.path.basename(path): text for path, text in self.configs.items()}

    def commands(self, directory: str) -> list[str]:
        """What installs and starts them: for root, in a shell."""

        def place(name: str) -> str:
            return shlex.quote(os.path.join(directory, name))

        configs = [f"install -D -m 644 {place(os.path.basename(path))} {path}" for path in self.configs]
        units = f"install -m 644 {' '.join(map(place, self.units))} {UNIT_DIRECTORY}/"
        install = " && ".join([*configs, units])
        return [install, "systemctl daemon-reload", f"systemctl enable --now {self.enable}"]


def _is_ip(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False

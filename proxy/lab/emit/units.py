"""Each model as files to install: unit files, and the configuration of what stands in front."""

from __future__ import annotations

import ipaddress
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress, parse_address
from proxy.lab.application import Application
from proxy.lab.emit.lb_toml import lb_toml
from proxy.lab.emit.located import SEARCH, located
from proxy.lab.emit.pull_units import broker_directory, pull_units
from proxy.lab.emit.rival_units import rival_units
from proxy.lab.emit.rproxy_unit import CONFIG, NAME, rproxy_unit
from proxy.lab.emit.unit_files import Place
from proxy.lab.emit.worker_units import (
    accept,
    reuseport,
    single,
    socat_loops,
    socket_instances,
    socket_one,
    socket_shared,
)
from proxy.lab.models.queue import model as queue
from proxy.lab.models.rivals.caddy import Caddy
from proxy.lab.models.rivals.envoy import Envoy
from proxy.lab.models.rivals.haproxy import Haproxy
from proxy.lab.models.rivals.nginx import Nginx
from proxy.lab.models.rivals.rival import path_of
from proxy.lab.models.tuple_space import model as tuple_space

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.lab.application import Way
    from proxy.lab.emit.lb_toml import Balance, Front
    from proxy.lab.emit.worker_units import Units
    from proxy.lab.models.pull.mechanism import Mechanism
    from proxy.lab.models.rivals.rival import Rival

UNIT_DIRECTORY = "/etc/systemd/system"


Make = Callable[[str, Application, "Wish"], "Files"]


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


def units_for(model: str, variant: str, wish: Wish) -> Files:
    """variant: empty for the one that is to be recommended. Raises NoUnits, or BadApplication for a program that is not
    there."""
    if model not in _MODELS:
        raise NoUnits(f"{model}: no units for that; there are some for {', '.join(_MODELS)}")
    ways, make = _MODELS[model]
    if not any(map(wish.application.takes, ways)):
        hows = " or ".join(_HOW[way] for way in ways)
        raise NoUnits(f"{model} needs another command of the application: {hows}")
    return make(variant, located(wish.application), wish)


_HOW: Mapping[Way, str] = {
    "port": "--app 'COMMAND {host} {port}'",
    "socket": "--app 'COMMAND {socket}'",
    "fd": "--app 'COMMAND {fd}'",
    "reuseport": "--app-reuseport 'COMMAND {host} {port}'",
    "stdio": "--app-stdio 'COMMAND'",
}


def _direct(variant: str, application: Application, wish: Wish) -> Files:
    return _workers(wish, single(application, wish.place, wish.address.host, wish.address.port))


def _reuseport(variant: str, application: Application, wish: Wish) -> Files:
    return _workers(wish, reuseport(application, wish.place, wish.workers, wish.address.host, wish.address.port))


def _shared(variant: str, application: Application, wish: Wish) -> Files:
    return _workers(wish, socket_shared(application, wish.place, wish.workers))


def _socket(variant: str, application: Application, wish: Wish) -> Files:
    if variant == "shared":
        return _shared(variant, application, wish)
    if variant in ("one-service", "socket-activate"):
        return _workers(wish, socket_one(application, wish.place))
    return _workers(wish, socket_instances(application, wish.place, wish.workers))


def _accept(variant: str, application: Application, wish: Wish) -> Files:
    return _workers(wish, accept(application, wish.place))


def _socat(variant: str, application: Application, wish: Wish) -> Files:
    return _workers(wish, socat_loops(application, wish.place, wish.workers, wish.ipv4, wish.address.port))


def _rival(rival: type[Rival]) -> Make:
    def make(variant: str, application: Application, wish: Wish) -> Files:
        if path_of(rival.program) is None:
            raise NoUnits(f"{rival.program} is not installed: {rival.how}")
        units, configs = rival_units(rival, application, wish.place, wish.workers, wish.ipv4, wish.address.port)
        return Files(units, wish.place.target, configs)

    return make


def _pull(mechanism: Callable[[str, Path], Mechanism]) -> Make:
    def make(variant: str, application: Application, wish: Wish) -> Files:
        made = mechanism(variant, Path(broker_directory(wish.place)))
        if made.bridge is not None:
            raise NoUnits(f"no units for the variant {variant}, each of whose processes needs another one beside it")
        made = replace(made, server=[_program(made.server[0]), *made.server[1:]])
        return Files(pull_units(made, application, wish.place, wish.workers), wish.place.target)

    return make


def _program(name: str) -> str:
    path = shutil.which(name, path=SEARCH)
    if path is None:
        raise NoUnits(f"{name} is not installed")
    return os.path.abspath(path)


def _workers(wish: Wish, units: Units) -> Files:
    return Files(dict(units.files), wish.place.target)


def _proxy(front: Front) -> Make:
    def make(variant: str, application: Application, wish: Wish) -> Files:
        balance: Balance = "round-robin" if variant == "round-robin" else "least-connections"
        text = lb_toml(application, front, balance, wish.workers, listen=str(wish.address))
        return Files({NAME: rproxy_unit(wish.place, rproxy_words())}, NAME, {CONFIG: text})

    return make


def _is_ip(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def rproxy_words() -> list[str]:
    """What starts this rproxy."""
    path = shutil.which("rproxy", path=SEARCH)
    return [os.path.abspath(path)] if path else [sys.executable, "-m", "proxy"]


_MODELS: Mapping[str, tuple[tuple[Way, ...], Make]] = {
    "direct": (("port",), _direct),
    "prefork": (("fd",), _shared),
    "reuseport": (("reuseport",), _reuseport),
    "systemd": (("reuseport",), _reuseport),
    "systemd-accept": (("stdio",), _accept),
    "systemd-socket": (("fd",), _socket),
    "proxy-tcp": (("port",), _proxy("proxy-tcp")),
    "proxy-unix": (("socket",), _proxy("proxy-unix")),
    "proxy-reuseport": (("reuseport",), _proxy("proxy-reuseport")),
    "queue": (("socket", "port"), _pull(queue.mechanism)),
    "tuplespace": (("socket", "port"), _pull(tuple_space.mechanism)),
    "socat-loop": (("stdio",), _socat),
    **{rival.name: (("port", "socket"), _rival(rival)) for rival in (Nginx, Haproxy, Envoy, Caddy)},
}

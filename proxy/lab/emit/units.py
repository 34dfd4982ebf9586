"""Each model as files to install: unit files, and the configuration of what stands in front."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.lab.application import Application
from proxy.lab.emit.lb_toml import lb_toml
from proxy.lab.emit.located import SEARCH, located
from proxy.lab.emit.pull_units import broker_directory, pull_units
from proxy.lab.emit.rival_units import rival_units
from proxy.lab.emit.rproxy_unit import CONFIG, NAME, rproxy_unit
from proxy.lab.emit.wish import Files, NoUnits, Wish
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

Make = Callable[[str, Application, Wish], Files]


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
    """One that cannot set SO_REUSEPORT is given sockets of such a group."""
    if not application.takes("reuseport"):
        return _socket("", application, wish)
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


def rproxy_words() -> list[str]:
    """What starts this rproxy."""
    path = shutil.which("rproxy", path=SEARCH)
    return [os.path.abspath(path)] if path else [sys.executable, "-m", "proxy"]


_MODELS: Mapping[str, tuple[tuple[Way, ...], Make]] = {
    "direct": (("port",), _direct),
    "prefork": (("fd",), _shared),
    "reuseport": (("reuseport", "fd"), _reuseport),
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

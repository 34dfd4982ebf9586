"""The workers of an application as units, each at an address of its own, for something that stands before them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.lab.emit.exec_line import exec_line, instance_line
from proxy.lab.emit.unit_files import service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.lab.application import Application, Way
    from proxy.lab.emit.unit_files import Place

HOST = "127.0.0.1"
FIRST_PORT = 9001
_WORKER = "{worker}"


@dataclass(frozen=True, slots=True)
class BehindUnits:
    """files: a template. instances: names of them, after which their addresses are made: a port, or a number."""

    files: dict[str, str]
    instances: Sequence[str]
    address_of: str

    @property
    def addresses(self) -> dict[int, str]:
        """By the worker's number, from 1."""
        return {number: self.address_of.replace("%i", name) for number, name in enumerate(self.instances, 1)}


def behind_units(application: Application, place: Place, workers: int, ways: Sequence[Way]) -> BehindUnits:
    """ways: "port" and "socket", the better one first; the application takes one of them. An instance is named after
    its port, as one can see then where it listens."""
    name = f"{place.name}@.service"
    what = f"{application.name}, worker %i"
    if next(way for way in ways if application.takes(way)) == "port":
        line = instance_line(application, "port", host=HOST, port=_WORKER)
        ports = [str(FIRST_PORT + number) for number in range(workers)]
        return BehindUnits({name: service(place, line, what=what)}, ports, f"{HOST}:%i")
    path = f"/run/{place.name}-{_WORKER}/app.sock"
    line = instance_line(application, "socket", socket=path)
    # One that was killed has left its socket, where many refuse to bind.
    clean = exec_line(["/bin/rm", "-f", path]).replace(_WORKER, "%i")
    section = f"ExecStartPre={clean}\nRuntimeDirectory={place.name}-%i\n"
    numbers = [str(number) for number in range(1, workers + 1)]
    files = {name: service(place, line, what=what, section=section)}
    return BehindUnits(files, numbers, f"unix:{path}".replace(_WORKER, "%i"))

"""Another reverse proxy before an application, as units, with the configuration that the lab measures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.lab.emit.behind_units import behind_units
from proxy.lab.emit.exec_line import exec_line
from proxy.lab.emit.unit_files import service, target
from proxy.lab.models.rivals.rival import Place as RivalPlace
from proxy.lab.models.rivals.rival import path_of

if TYPE_CHECKING:
    from proxy.lab.application import Application
    from proxy.lab.emit.unit_files import Place
    from proxy.lab.models.rivals.rival import Rival


def rival_units(
    rival: type[Rival], application: Application, place: Place, workers: int, host: str, port: int
) -> tuple[dict[str, str], dict[str, str]]:
    """Unit files by name, and configuration files by path. The application takes a port or a socket.

    The rival runs in /run/NAME-RIVAL, where it also makes its sockets; its files are copied there at each start.
    """
    behind = behind_units(application, place, workers, ("port", "socket"))
    unit = f"{place.name}-{rival.name}"
    front = rival(RivalPlace(Path("/run") / unit, port, host))
    configs = {f"/etc/{place.name}/{name}": text for name, text in front.files(behind.addresses).items()}
    copy = exec_line(["/bin/cp", *configs, f"/run/{unit}/"])
    environment = "".join(f"Environment={exec_line([f'{name}={value}'])}\n" for name, value in front.env().items())
    program, *rest = front.command()
    line = exec_line([os.path.abspath(path_of(program) or program), *rest])
    section = f"ExecStartPre={copy}\nRuntimeDirectory={unit}\n{environment}"
    text = service(place, line, what=f"{rival.name} before {place.name}", section=section)
    start = [f"{unit}.service", *(f"{place.name}@{name}.service" for name in behind.instances)]
    return {**behind.files, f"{unit}.service": text, place.target: target(place, tuple(start))}, configs

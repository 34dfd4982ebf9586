"""A broker, a gateway and workers that pull, as units: the commands that the lab measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.lab.emit.behind_units import behind_units
from proxy.lab.emit.exec_line import exec_line
from proxy.lab.emit.unit_files import service, target
from proxy.lab.models.pull.mechanism import GATEWAY, WORKER, Mechanism

if TYPE_CHECKING:
    from proxy.lab.application import Application
    from proxy.lab.emit.unit_files import Place


def broker_directory(place: Place) -> str:
    return f"/run/{place.name}-broker"


def pull_units(mechanism: Mechanism, application: Application, place: Place, workers: int) -> dict[str, str]:
    """mechanism: with its socket in `broker_directory`, and without bridges. The application takes a socket or a port.

    What pulls has a unit of its own: it ends when its application is gone, and is started again until that is back.
    """
    behind = behind_units(application, place, workers, ("socket", "port"))
    broker, gateway, puller = (f"{place.name}-{part}" for part in ("broker", "gateway", "puller"))
    at = (mechanism.option, f"unix:{mechanism.path}")
    after = f"Wants={broker}.service\nAfter={broker}.service\n"
    own = f"{place.name}@%i.service"
    pull = exec_line([*WORKER, *at, "--application", "{worker}", *mechanism.worker_options])
    section = f"ExecStartPre=/bin/rm -f {mechanism.path}\nRuntimeDirectory={broker}\n"
    files = {
        f"{broker}.service": service(place, exec_line(mechanism.server), what="The broker", section=section),
        f"{gateway}.service": service(
            place, exec_line([*GATEWAY, "--listen", place.listen, *at]), what="Requests become jobs", unit=after
        ),
        f"{puller}@.service": service(
            place, pull.replace("{worker}", behind.address_of), what="Pulls jobs for worker %i",
            unit=f"{after}Wants={own}\nAfter={own}\n",
        ),
    }  # fmt: skip
    start = [f"{broker}.service", f"{gateway}.service", *(f"{puller}@{name}.service" for name in behind.instances)]
    start += [f"{place.name}@{name}.service" for name in behind.instances]
    return {**behind.files, **files, place.target: target(place, tuple(start))}

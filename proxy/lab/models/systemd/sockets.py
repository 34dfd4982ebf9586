"""Accept=no: systemd listens and hands the socket over; it keeps the queue while a worker is away."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from proxy.lab.emit.unit_files import Place
from proxy.lab.emit.worker_units import PASSED, Units, socket_instances, socket_one, socket_shared
from proxy.lab.models.free_port import free_port
from proxy.lab.models.model import Kind, Missing
from proxy.lab.models.systemd.activate import STAND_IN, deploying_stand_in, missing_for_stand_in
from proxy.lab.models.systemd.deployed import deploying_units
from proxy.lab.models.systemd.lab_application import lab_application
from proxy.lab.systemd.possible import missing_for_private_systemd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from proxy.lab.application import Application
    from proxy.lab.deployment import Deployment, DeploymentSpec

INSTANCES, SHARED, ONE = "instances", "shared", "one-service"


class SystemdSocket:
    """A model. Variants: "instances" have a socket unit each, all with ReusePort=yes; "shared" is one socket unit for
    all instances; "one-service" one process; "socket-activate" the stand-in for it where no private systemd can run."""

    name = "systemd-socket"
    summary = "socket units that hand their listener over and keep its queue while a worker restarts"
    kind: Kind = "http"

    def variants(self, application: Application) -> Sequence[str]:
        real = (INSTANCES, SHARED, ONE)
        return (STAND_IN, *real) if missing_for_private_systemd() else (*real, STAND_IN)

    def missing(self, variant: str, application: Application) -> Sequence[Missing]:
        programs = missing_for_stand_in() if variant == STAND_IN else missing_for_private_systemd()
        if application.takes("fd"):
            return programs
        return (Missing("the application takes no listening socket over", "--app 'COMMAND {fd}'"), *programs)

    @asynccontextmanager
    async def deploying(self, variant: str, spec: DeploymentSpec) -> AsyncIterator[Deployment]:
        application = lab_application(spec)
        if variant == STAND_IN:
            command = application.command("fd", worker=1, fd=PASSED)
            async with deploying_stand_in(spec, [], command, has_worker=True) as stand_in:
                yield stand_in
            return
        target = f"127.0.0.1:{free_port()}"
        units = _units(variant, application, Place("app", target, os.getcwd()), spec.workers)
        async with deploying_units(units, target, spec) as deployed:
            yield deployed


def _units(variant: str, application: Application, place: Place, workers: int) -> Units:
    if variant == ONE:
        return socket_one(application, place)
    return (socket_shared if variant == SHARED else socket_instances)(application, place, workers)

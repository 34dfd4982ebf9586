"""Accept=yes: systemd takes each connection and starts a process for it, which has it as stdin and stdout."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from proxy.lab.emit.unit_files import Place
from proxy.lab.emit.worker_units import accept
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

SYSTEMD = "systemd"


class SystemdAccept:
    """A model. Variants: "systemd" is the real one; "socket-activate" its stand-in, without limits and without a
    manager, which is the default where no private systemd can run."""

    name = "systemd-accept"
    summary = "socket unit with Accept=yes: a process per connection on stdin and stdout"
    kind: Kind = "http"

    def variants(self, application: Application) -> Sequence[str]:
        return (STAND_IN, SYSTEMD) if missing_for_private_systemd() else (SYSTEMD, STAND_IN)

    def missing(self, variant: str, application: Application) -> Sequence[Missing]:
        programs = missing_for_stand_in() if variant == STAND_IN else missing_for_private_systemd()
        if application.takes("stdio"):
            return programs
        return (Missing("the application does not serve its stdin and stdout", "--app-stdio 'COMMAND'"), *programs)

    @asynccontextmanager
    async def deploying(self, variant: str, spec: DeploymentSpec) -> AsyncIterator[Deployment]:
        application = lab_application(spec)
        if variant == STAND_IN:
            command = application.command("stdio", worker=1)
            async with deploying_stand_in(spec, ["--accept", "--inetd"], command, has_worker=False) as stand_in:
                yield stand_in
            return
        target = f"127.0.0.1:{free_port()}"
        units = accept(application, Place("app", target, os.getcwd()))
        async with deploying_units(units, target, spec, counts_systemd=True) as deployed:
            yield deployed

"""Template units: systemd starts the workers, and starts them again; the kernel spreads the connections."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from proxy.lab.emit.unit_files import Place
from proxy.lab.emit.worker_units import reuseport
from proxy.lab.models.free_port import free_port
from proxy.lab.models.model import Kind, Missing
from proxy.lab.models.systemd.deployed import deploying_units
from proxy.lab.models.systemd.lab_application import lab_application
from proxy.lab.systemd.possible import missing_for_private_systemd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from proxy.lab.application import Application
    from proxy.lab.deployment import Deployment, DeploymentSpec

SANE, DEFAULTS = "sane", "defaults"


class Systemd:
    """A model. Variants: "sane" is started again as often as it takes; "defaults" has Restart=always and nothing else,
    which ends at the fifth start in ten seconds."""

    name = "systemd"
    summary = "template units app@N.service on one SO_REUSEPORT port, Restart=always"
    kind: Kind = "http"

    def variants(self, application: Application) -> Sequence[str]:
        return (SANE, DEFAULTS)

    def missing(self, variant: str, application: Application) -> Sequence[Missing]:
        if application.takes("reuseport"):
            return missing_for_private_systemd()
        need = Missing("the application does not set SO_REUSEPORT", "--app-reuseport 'COMMAND {host} {port}'")
        return (need, *missing_for_private_systemd())

    @asynccontextmanager
    async def deploying(self, variant: str, spec: DeploymentSpec) -> AsyncIterator[Deployment]:
        port = free_port()
        target = f"127.0.0.1:{port}"
        place = Place("app", target, os.getcwd())
        limits = "defaults" if variant == DEFAULTS else "sane"
        units = reuseport(lab_application(spec), place, spec.workers, "127.0.0.1", port, limits)  # type: ignore[arg-type]
        async with deploying_units(units, target, spec) as deployed:
            yield deployed

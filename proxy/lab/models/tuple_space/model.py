"""Workers take the tuples that match their pattern: from Ruby's Rinda, or from a space of ours."""

from __future__ import annotations

import shutil
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.lab.models.model import Kind, Missing
from proxy.lab.models.pull.broker import TIMEOUT
from proxy.lab.models.pull.deployment import deploying
from proxy.lab.models.pull.mechanism import Mechanism
from proxy.lab.models.pull.suits import ways_missing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from proxy.lab.application import Application
    from proxy.lab.deployment import Deployment, DeploymentSpec

EMBEDDED, RINDA, LEASES = "embedded", "rinda", "leases"
_PROGRAMS = Path(__file__).parent / "rinda"
_LOSES = (
    "A tuple is gone from the space when it is taken: with a worker that dies its request is lost, and the gateway "
    f"answers 504 after {TIMEOUT:g} s."
)
_BRINGS_BACK = "A tuple is leased to its worker: when that dies it comes back, and another worker takes it."
_BRIDGED = "Rinda is spoken by Ruby only, so a Ruby process of each worker and of the gateway takes and writes for it."


class TupleSpace:
    """A model."""

    name = "tuplespace"
    summary = "a tuple space; workers take the tuples that match their pattern"
    kind: Kind = "http"

    def variants(self, application: Application) -> Sequence[str]:
        return (EMBEDDED, RINDA, LEASES)

    def missing(self, variant: str, application: Application) -> Sequence[Missing]:
        found = list(ways_missing(application))
        if variant == RINDA and shutil.which("ruby") is None:
            found.append(Missing("ruby is not installed", "apt-get install ruby"))
        return found

    def deploying(self, variant: str, spec: DeploymentSpec) -> AbstractAsyncContextManager[Deployment]:
        return deploying(partial(mechanism, variant), spec)


def mechanism(variant: str, directory: Path) -> Mechanism:
    """variant: empty for the default. directory: of its socket."""
    return _rinda(directory) if variant == RINDA else _embedded(variant, directory)


def _embedded(variant: str, directory: Path) -> Mechanism:
    path = str(directory / "space")
    server = (sys.executable, "-m", "proxy.lab.models.tuple_space", "--listen", f"unix:{path}")
    if variant == LEASES:
        return Mechanism(server, path, "--space", ("--lease", f"{TIMEOUT + 5:g}"), remarks=_BRINGS_BACK)
    return Mechanism(server, path, "--space", remarks=_LOSES)


def _rinda(directory: Path) -> Mechanism:
    path = str(directory / "space")

    def bridge(own: str) -> Sequence[str]:
        return "ruby", str(_PROGRAMS / "bridge.rb"), path, own

    server = ("ruby", str(_PROGRAMS / "space.rb"), path)
    return Mechanism(server, path, "--space", bridge=bridge, remarks=f"{_LOSES} {_BRIDGED}")

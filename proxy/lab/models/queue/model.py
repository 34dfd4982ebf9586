"""Workers pull jobs from a queue server: beanstalkd, or ours that speaks the same protocol."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from proxy.lab.models.model import Kind, Missing
from proxy.lab.models.pull.broker import ENVELOPE, LARGEST
from proxy.lab.models.pull.deployment import deploying
from proxy.lab.models.pull.mechanism import Mechanism
from proxy.lab.models.pull.suits import ways_missing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from proxy.lab.application import Application
    from proxy.lab.deployment import Deployment, DeploymentSpec

EMBEDDED, BEANSTALKD, SEVERAL = "embedded", "beanstalkd", "embedded-8-at-once"
_REMARKS = (
    "The job of a worker that has died goes to another one at once: each is done at least once, and some twice. "
    "The new worker pulls before the old one ends, so that a restart loses nothing."
)


class Queue:
    """A model."""

    name = "queue"
    summary = "a queue server; workers pull the next job when they are free"
    kind: Kind = "http"

    def variants(self, application: Application) -> Sequence[str]:
        return (EMBEDDED, BEANSTALKD, SEVERAL)

    def missing(self, variant: str, application: Application) -> Sequence[Missing]:
        found = list(ways_missing(application))
        if variant == BEANSTALKD and shutil.which(BEANSTALKD) is None:
            found.append(Missing("beanstalkd is not installed", "apt-get install beanstalkd"))
        return found

    def deploying(self, variant: str, spec: DeploymentSpec) -> AbstractAsyncContextManager[Deployment]:
        return deploying(lambda directory: mechanism(variant, directory), spec)


def mechanism(variant: str, directory: Path) -> Mechanism:
    """variant: empty for the default. directory: of its socket."""
    path = str(directory / "queue")
    program = [BEANSTALKD] if variant == BEANSTALKD else [sys.executable, "-m", "proxy.lab.models.queue.beanstalk"]
    server = [*program, "-l", f"unix:{path}", "-z", str(LARGEST + ENVELOPE)]
    options = ("--at-once", "8") if variant == SEVERAL else ()
    return Mechanism(server, path, "--queue", options, remarks=_REMARKS)

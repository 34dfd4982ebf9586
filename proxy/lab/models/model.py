"""What a model is: a way of spreading an application over processes that can be deployed, or says why it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from proxy.lab.application import Application
    from proxy.lab.deployment import Deployment, DeploymentSpec

Kind = Literal["http", "jobs"]


@dataclass(frozen=True, slots=True)
class Missing:
    """what: is not there, as a reason: "no systemd". how: to get it, as a command or a sentence; empty if it cannot be
    had here."""

    what: str
    how: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.how}" if self.how else self.what


class Model(Protocol):
    """name: as on the command line. summary: a line that says who spreads the work. kind: "http" answers requests;
    "jobs" takes a connection as a job and answers nothing, so that only scenarios of jobs suit it."""

    name: str
    summary: str
    kind: Kind

    def variants(self, application: Application) -> Sequence[str]:
        """Names, the one that stands for the model in a short run first."""

    def missing(self, variant: str, application: Application) -> Sequence[Missing]:
        """What it needs and does not find; empty when it can run. Fast: it may look for programs, start nothing."""

    def deploying(self, variant: str, spec: DeploymentSpec) -> AbstractAsyncContextManager[Deployment]:
        """Entering it returns when the deployment serves; leaving it, also by cancellation, leaves no process, socket
        file or cgroup behind. Raises DeployError."""

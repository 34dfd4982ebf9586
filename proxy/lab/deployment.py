"""An application that runs in one model: where clients connect, which processes serve, what can be done to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from proxy.lab.application import Application


class DeployError(Exception):
    """It did not come up; the message has the last words of what failed, or says what it waited for."""


class CannotDo(Exception):
    """What a model has no means for: to be scaled, say. The message is a reason for the report."""


@dataclass(frozen=True, slots=True)
class DeploymentSpec:
    """workers: how many serve. directory: fresh, and removed by whoever made it; its path is short enough for Unix
    sockets. deadline: seconds until it must serve."""

    application: Application
    workers: int
    directory: Path
    deadline: float = 15.0


@dataclass(frozen=True, slots=True)
class Worker:
    """One process that serves. number: from 1, kept by its replacement. pid: as we see it, outside of any namespace."""

    number: int
    pid: int


class Deployment(Protocol):
    """target: where clients connect, `127.0.0.1:8000` or `unix:/path`. description: the commands and configuration
    files that run, as text, so that anybody can judge whether the comparison is fair."""

    target: str
    description: str

    def workers(self) -> Sequence[Worker]:
        """Those that run the application now, by number; a dead one is not among them. Empty where a process lives for
        one connection only."""

    def roots(self) -> Sequence[int]:
        """The processes that, with all their descendants, are the whole deployment: what is counted as its memory and
        CPU time. Whoever only measures is not among them."""

    async def kill(self, number: int) -> None:
        """SIGKILL for that worker, and for nothing that would replace it. Returns at once. Raises CannotDo."""

    async def restart(self) -> None:
        """Every worker once, one after the other, as gracefully as the model can. Raises CannotDo."""

    async def scale(self, count: int) -> None:
        """To so many workers; returns when they are started or told to end. Raises CannotDo."""

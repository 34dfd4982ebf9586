"""What another reverse proxy has to tell of itself, so that all of them are deployed by the same model."""

from __future__ import annotations

import os
import shutil
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.lab.models.children import Running

DRAIN = 10.0  # seconds that requests to a backend may take once it is to get none; then it is ended all the same
ASIDE = 0.25  # seconds that a backend which failed is left out: about what its replacement takes to listen
LOOK = 0.01  # seconds between two looks whether they have ended
MAX_IDLE = 256  # connections to a backend that are kept

# Servers live in sbin, and the `envoy` of a wheel beside our own Python.
_PLACES = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


@dataclass(frozen=True, slots=True)
class Place:
    """directory: for its files. host, port: where clients connect; IPv4."""

    directory: Path
    port: int
    host: str = "127.0.0.1"

    def path(self, name: str) -> str:
        return str(self.directory / name)


class Rival(ABC):
    """One that runs, or is about to. name: of the model. program: what it needs; how: to install that. summary: of the
    model. Backends are addresses by the worker's number."""

    name: ClassVar[str]
    program: ClassVar[str]
    how: ClassVar[str]
    summary: ClassVar[str]

    def __init__(self, place: Place) -> None:
        self.place = place

    @abstractmethod
    def files(self, backends: Mapping[int, str]) -> dict[str, str]:
        """Text by name, of the configuration that it starts with."""

    @abstractmethod
    def command(self) -> list[str]:
        """The words that start it in the foreground; the first is the program."""

    def env(self) -> dict[str, str]:
        """What it needs in its environment besides ours."""
        return {}

    @abstractmethod
    async def use(self, backends: Mapping[int, str], running: Running) -> None:
        """Sends what comes to these and to no others. Returns when those that were there before have no request any
        more, or after DRAIN. Raises OSError or DeployError."""


def path_of(program: str) -> str | None:
    """Where it is; None when it is not installed."""
    return shutil.which(program, path=_PLACES)


def write_files(place: Place, files: Mapping[str, str]) -> None:
    """Each is there as a whole or as it was: some are read at the moment at which they change."""
    for name, text in files.items():
        new = place.directory / f"{name}.new"
        new.write_text(text)
        new.replace(place.directory / name)

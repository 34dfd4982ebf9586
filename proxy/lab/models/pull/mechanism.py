"""What the models with a broker differ in: its commands."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GATEWAY = (sys.executable, "-m", "proxy.lab.models.pull.gateway")
WORKER = (sys.executable, "-m", "proxy.lab.models.pull.worker")


@dataclass(frozen=True, slots=True)
class Mechanism:
    """server: the command of the broker, which listens on the Unix socket `path`. option: by which a gateway and a
    worker are told where it is. worker_options: more of a worker's. bridge: the command of a helper that each of them
    needs to talk to the broker, and that listens on the Unix socket it is given. remarks: sentences for the report."""

    server: Sequence[str]
    path: str
    option: str
    worker_options: Sequence[str] = ()
    bridge: Callable[[str], Sequence[str]] | None = None
    remarks: str = ""

"""Who can read the token that lets one change things. Who can reach the admin address is told by every check of a
configuration, as a warning."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.doctor.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.core.config import Config
    from proxy.doctor.machine import Machine


def check(config: Config, machine: Machine) -> Iterator[Finding]:
    if config.admin is None or config.admin.token_file is None:
        return
    path = Path(config.admin.token_file)
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # the check of the configuration says so
    if mode & stat.S_IROTH:
        yield Finding(
            level="warning",
            where="admin, token_file",
            what=f"every user of this machine can read {path} ({stat.filemode(mode)})",
            why="Whoever has the token can drain, add and remove backends.",
            fix=(f"chmod o-rwx {path}",),
        )

"""Where a private systemd cannot run, tests are skipped with the reason; in CI they fail."""

from __future__ import annotations

from proxy.lab.systemd.possible import missing_for_private_systemd
from tests.clients.support import missing


def systemd_needed() -> None:
    for lacking in missing_for_private_systemd():
        missing(str(lacking))

"""One private systemd for all tests here. Without it they are skipped with the reason; in CI they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.lab.systemd.private import NoSystemd
from tests.clients.support import missing, program
from tests.systemd.lab import Lab, started_lab

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    program("systemctl", "systemd")
    program("nsenter", "util-linux")
    try:
        with started_lab() as lab:
            yield lab
    except NoSystemd as error:
        missing(f"no private systemd here, which needs root and namespaces, or a delegated cgroup: {error}")

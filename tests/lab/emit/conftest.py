"""A private systemd for all tests here: it reads what is written for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.systemd.support import systemd_needed
from tests.systemd.lab import Lab, started_lab

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    systemd_needed()
    with started_lab() as lab:
        yield lab

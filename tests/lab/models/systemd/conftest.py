"""What every test here starts with: a machine that can run a private systemd, and a fresh directory."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab.systemd.support import systemd_needed

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def directory() -> Iterator[Path]:
    systemd_needed()
    with tempfile.TemporaryDirectory(prefix="rproxy-lab-") as name:
        yield Path(name)

"""The unit files that we ship are ones that systemd takes without a word, and shut in what they start."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.systemd.service import SHIPPED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Figures
    from tests.systemd.lab import Lab

pytestmark = pytest.mark.slow


def test_systemd_has_nothing_to_say_of_them(lab: Lab, tmp_path: Path) -> None:
    service = (SHIPPED / "rproxy.service").read_text()
    (tmp_path / "rproxy.service").write_text(re.sub("ExecStart=.*", "ExecStart=/bin/true", service))
    (tmp_path / "rproxy.socket").write_text((SHIPPED / "rproxy.socket").read_text())
    assert lab.run("systemd-analyze", "verify", "--man=no", str(tmp_path / "rproxy.socket")) == ""


def test_what_it_starts_is_shut_in(lab: Lab, figures: Figures) -> None:
    """systemd's own mark: 9.6 is a unit without any of it, under 2.5 is called good."""
    said = lab.run("systemd-analyze", "security", "--offline=true", "--no-pager", str(SHIPPED / "rproxy.service"))
    found = re.search(r"Overall exposure level for rproxy\.service: ([\d.]+)", said)
    assert found, said
    figures(f"systemd-analyze security of configs/systemd/rproxy.service: {found[1]}")
    assert float(found[1]) < 2.5

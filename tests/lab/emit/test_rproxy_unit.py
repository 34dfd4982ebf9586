"""rproxy's own unit: systemd has nothing to say of it, and it is what we ship but for what shuts it in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.lab.emit.rproxy_unit import NAME, rproxy_unit
from proxy.lab.emit.unit_files import Place
from proxy.lab.emit.units import rproxy_words
from tests.processes import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.systemd.lab import Lab

TEXT = rproxy_unit(Place("app", "127.0.0.1:80", str(ROOT), "root"), rproxy_words())


@pytest.mark.slow
def test_systemd_has_nothing_to_say_of_it(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(TEXT)
    assert lab.run("systemd-analyze", "verify", "--man=no", str(tmp_path / NAME)) == ""


def settings(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))


def test_it_says_nothing_else_than_the_one_that_we_ship() -> None:
    shipped = settings((ROOT / "configs" / "systemd" / NAME).read_text())
    ours = settings(TEXT)
    assert ours.pop("WorkingDirectory") == str(ROOT)
    different = {name for name, value in ours.items() if shipped.get(name) != value}
    assert different == {"Description", "ExecStart", "User", "After"}

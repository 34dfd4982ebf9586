"""What is missing is told without a try, and is the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.lab.deployment import DeployError
from proxy.lab.systemd import possible
from proxy.lab.systemd.manager import private_systemd
from proxy.lab.systemd.possible import missing_for_private_systemd

if TYPE_CHECKING:
    from pathlib import Path


def test_programs_that_are_not_there_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    (missing,) = missing_for_private_systemd()
    assert str(missing) == "no systemd and no util-linux: apt-get install systemd util-linux"


def test_a_container_without_rights_is_told_from_one_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the capabilities of a container that gives none but the usual."""
    monkeypatch.setattr(possible.os, "geteuid", lambda: 0)
    monkeypatch.setattr(possible, "_capabilities", lambda: 0x00000000A80425FB)
    monkeypatch.setattr(possible.shutil, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(possible, "MANAGER", possible.Path("/"))
    (missing,) = missing_for_private_systemd()
    assert "CAP_SYS_ADMIN" in str(missing)


@pytest.mark.slow
async def test_it_comes_up_if_nothing_is_missing_and_says_why_if_not(tmp_path: Path) -> None:
    lacking = missing_for_private_systemd()
    if lacking:
        with pytest.raises((DeployError, OSError)):
            async with private_systemd(tmp_path / "systemd", 5.0):
                pass
        return
    async with private_systemd(tmp_path / "systemd", 10.0) as manager:
        assert manager.pid

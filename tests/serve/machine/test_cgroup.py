from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from proxy.serve.machine import cgroup
from proxy.serve.machine.cgroup import read_all, usable_cpus

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As of a process in a/b."""
    (tmp_path / "a/b").mkdir(parents=True)
    monkeypatch.setattr(cgroup, "own_group", lambda: "/a/b")
    return tmp_path


def test_groups_above_count_too(root: Path) -> None:
    (root / "a/b/cpu.max").write_text("max 100000\n")
    (root / "a/cpu.max").write_text("50000 100000\n")
    assert read_all("cpu.max", root) == ["max 100000", "50000 100000"]
    assert read_all("no.such", root) == []


@pytest.mark.parametrize(
    ("text", "cpus"), [("max 100000", float("inf")), ("150000 100000", 1.5), ("20000 100000", 0.2)]
)
def test_quotas(monkeypatch: pytest.MonkeyPatch, text: str, cpus: float) -> None:
    monkeypatch.setattr(cgroup, "read_all", lambda name: [text, "max 100000"])
    assert usable_cpus() == min(len(os.sched_getaffinity(0)), cpus)


def test_of_this_machine() -> None:
    assert 0 < usable_cpus() <= len(os.sched_getaffinity(0))
    assert cgroup.own_group().startswith("/")

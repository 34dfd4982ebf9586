"""Of this machine, beside other ways to ask it."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

from proxy.lab.measure.environment import environment
from tests.processes import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_machine_its_kernel_and_versions() -> None:
    found = environment()
    assert float(found["machine"]["cpus"]) > 0
    assert found["machine"]["memory"].endswith("kB")
    assert found["kernel"]["release"] == platform.release()
    assert int(found["kernel"]["net.core.somaxconn"]) > 0
    assert found["packages"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert f'version = "{found["packages"]["rproxy"]}"' in (ROOT / "pyproject.toml").read_text()


def test_programs_that_are_there_tell_their_version_as_each_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {
        "nginx": "echo nginx version: nginx/1.22.1 >&2",
        "systemctl": "echo 'systemd 252 (252.39-1)'",
        "wrk": "echo 'wrk debian/4.1.0-3+b1 [epoll]'; exit 1",
        "ruby": "echo",
    }
    for name, words in said.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{words}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "socat").write_bytes(b"\x7fELF no program")
    (tmp_path / "socat").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = environment("")["programs"]
    assert found.pop("socat").startswith("unknown: ")
    assert found == {"nginx": "1.22.1", "systemctl": "252", "wrk": "4.1.0", "ruby": "unknown"}

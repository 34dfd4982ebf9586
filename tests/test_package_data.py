"""What is no Python, and belongs to the package all the same: an installed rproxy has it too."""

from __future__ import annotations

import tomllib

from tests.processes import ROOT

PACKAGE = ROOT / "proxy"


def test_every_file_beside_the_source_is_installed() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["proxy"]
    installed = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    files = {path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    others = {path for path in files if path.suffix != ".py"}
    assert others
    assert others <= installed

"""Who can read the token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.doctor.checks.admin_access import check
from proxy.doctor.machine import Machine
from tests.doctor.support import config, only

if TYPE_CHECKING:
    from pathlib import Path


def test_a_token_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("0123456789abcdef\n")
    path.chmod(0o644)
    wanting = config(f'admin = {{ listen = "127.0.0.1:9900", token_file = "{path}" }}')
    assert only(check, wanting, Machine()).fix == (f"chmod o-rwx {path}",)
    path.chmod(0o640)
    assert not list(check(wanting, Machine()))
    path.unlink()
    assert not list(check(wanting, Machine()))


def test_no_token_no_file() -> None:
    assert not list(check(config(), Machine()))
    assert not list(check(config('admin.listen = "127.0.0.1:9900"'), Machine()))

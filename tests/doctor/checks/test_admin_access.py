"""Who can read at the admin address, and who can read its token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.doctor.checks.admin_access import check
from proxy.doctor.machine import Machine
from tests.doctor.support import config, only

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("listen", ["0.0.0.0:9900", "[::]:9900", "192.0.2.1:9900", "proxy.example:9900"])
def test_an_address_for_other_machines(listen: str) -> None:
    finding = only(check, config(f'admin.listen = "{listen}"'), Machine())
    assert finding.level == "warning"
    assert 'listen = "127.0.0.1:9900"' in finding.fix


@pytest.mark.parametrize("listen", ["127.0.0.1:9900", "[::1]:9900", "localhost:9900", "unix:/run/admin.sock"])
def test_an_address_for_this_one(listen: str) -> None:
    assert not list(check(config(f'admin.listen = "{listen}"'), Machine()))
    assert not list(check(config(), Machine()))


def test_a_token_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("0123456789abcdef\n")
    path.chmod(0o644)
    wanting = config(f'admin = {{ listen = "127.0.0.1:9900", token_file = "{path}" }}')
    assert only(check, wanting, Machine()).fix == (f"chmod o-rwx {path}",)
    path.chmod(0o640)
    assert not list(check(wanting, Machine()))

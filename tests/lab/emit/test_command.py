"""`rproxy units`: files, what to do with them, and a sentence for what makes no sense."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.cli import main

if TYPE_CHECKING:
    from pathlib import Path


def test_it_writes_files_and_says_how_to_install_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--app-reuseport", "cat -u {worker} {port}", "--workers", "3", "--listen", "0.0.0.0:80", "--name", "api"]
    assert main(["units", "reuseport", *options, "--dir", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert f"{tmp_path}/api@.service\n{tmp_path}/api.target\n" in out
    assert "  systemctl enable --now api.target\n" in out
    assert "Wants=api@1.service api@2.service api@3.service\n" in (tmp_path / "api.target").read_text()
    assert "cat -u %i 80\n" in (tmp_path / "api@.service").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["prefork", "--app", "cat {port}"], "--app 'COMMAND {fd}'"),
        (["nonsense"], "nonsense: no units for that"),
        (["systemd-socket", "--variant", "best"], "systemd-socket has no variant 'best': one of instances, "),
        (["direct", "--name", "a/b"], "--name a/b: letters, digits"),
        (["direct", "--workers", "0"], "--workers 0: at least 1"),
        (["direct", "--app", "cat {prt}"], "{prt} is no placeholder"),
        (["direct", "--listen", "nowhere"], "nowhere"),
    ],
)
def test_what_makes_no_sense_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main(["units", *options, "--dir", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("rproxy units: ")
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()

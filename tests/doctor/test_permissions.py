"""Who may do what, compared with what the kernel lets a process of that user do."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from proxy.doctor.machine import User
from proxy.doctor.permissions import READ, WRITE, first_closed, may, stat_of
from tests.clients.support import short_directory

if TYPE_CHECKING:
    from pathlib import Path

OTHER = User(54321, frozenset({54321}), "other")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("mode", [0o000, 0o400, 0o040, 0o004, 0o200, 0o020, 0o002, 0o666])
@pytest.mark.parametrize(("uid", "gid"), [(54321, 0), (0, 54321), (0, 0)])
def test_as_the_kernel_decides(mode: int, uid: int, gid: int) -> None:
    with short_directory() as directory:
        directory.chmod(0o755)
        path = directory / "file"
        path.touch()
        os.chown(path, uid, gid)
        path.chmod(mode)
        for wanted, letter in ((READ, "r"), (WRITE, "w")):
            asking = ("test", f"-{letter}", str(path))
            done = subprocess.run(asking, user=54321, group=54321, extra_groups=[], check=False)
            assert may(OTHER, path, wanted) is (done.returncode == 0)


def test_root_may_and_what_is_not_there_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "file").touch(0o000)
    assert may(User(0, frozenset(), "root"), tmp_path / "file", WRITE)
    assert may(OTHER, tmp_path / "nothing", WRITE)
    assert stat_of(tmp_path / "nothing") is None


def test_the_first_directory_that_is_closed() -> None:
    with short_directory() as directory:
        (directory / "a" / "b").mkdir(parents=True)
        assert first_closed(OTHER, directory / "a" / "b" / "c") == directory
        directory.chmod(0o755)
        (directory / "a").chmod(0o700)
        assert first_closed(OTHER, directory / "a" / "b" / "c") == directory / "a"
        (directory / "a").chmod(0o755)
        assert first_closed(OTHER, directory / "a" / "b" / "c") is None

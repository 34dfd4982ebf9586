"""A private systemd ends with whoever started it, however that ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.lab.systemd.private import NoSystemd, PrivateSystemd
from tests.lab.systemd.support import systemd_needed
from tests.processes import wait_until

pytestmark = pytest.mark.slow
STARTER = """
import pathlib, sys, time
from proxy.lab.systemd.private import PrivateSystemd
private = PrivateSystemd(pathlib.Path(sys.argv[1]))
while not private.is_up():
    time.sleep(0.01)
print(private.manager, flush=True)
sys.stdin.read()
"""


def cgroups() -> set[str]:
    """Those of private systemds, as far as they are to be seen from here."""
    found: set[str] = set()
    for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        with contextlib.suppress(OSError):
            found |= {name for name in os.listdir(root) if name.startswith("rproxylab-")}
    return found


def test_after_the_end_nothing_is_left_of_it(tmp_path: Path) -> None:
    systemd_needed()
    before = cgroups()
    private = PrivateSystemd(tmp_path)
    wait_until(private.is_up)
    pid = private.manager
    assert Path(f"/proc/{pid}/comm").read_text() == "systemd\n"
    private.let_go()
    wait_until(lambda: private.has_ended)
    private.sweep()
    assert not Path(f"/proc/{pid}").exists()
    assert cgroups() <= before


def test_it_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    systemd_needed()
    command = (sys.executable, "-c", STARTER, str(tmp_path))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_one_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "id"):
        (programs / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(programs))
    (tmp_path / "lab").mkdir()
    private = PrivateSystemd(tmp_path / "lab")
    with pytest.raises(NoSystemd, match=r"unshare.*not found"):
        wait_until(private.is_up)
    private.let_go()
    assert private.has_ended

"""Settings of a namespace, with a real kernel: they hold inside, and nothing outside changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.lab.kernel import SETTINGS, prefix, why_not
from tests.clients.support import program
from tests.processes import ROOT

LOOK = """
import socket, sys
with socket.socket() as sock:
    sock.bind(("127.0.0.1", 0)); sock.listen()
    socket.create_connection(sock.getsockname(), 5).close()
print(*(open("/proc/sys/" + name.replace(".", "/")).read().strip() for name in sys.argv[1:]))
"""


def setting(name: str) -> str:
    return (Path("/proc/sys") / name.replace(".", "/")).read_text().strip()


@pytest.fixture(autouse=True)
def _can_be_set() -> None:
    program("unshare", "util-linux")
    if why := why_not({}):
        pytest.skip(f"no network namespaces here: {why}")


@pytest.mark.parametrize("choice", [0, 1])
def test_they_hold_inside_and_loopback_is_up_and_nothing_outside_changes(choice: int) -> None:
    settings = {name: values[choice] for name, values in SETTINGS.items()}
    before = [setting(name) for name in settings]
    if why := why_not(settings):
        pytest.skip(f"not settable here: {why}")
    command = [*prefix(settings), sys.executable, "-c", LOOK, *settings]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    assert done.stdout.split() == list(settings.values())
    assert [setting(name) for name in settings] == before


def test_the_command_runs_under_the_id_of_the_prefix() -> None:
    command = [*prefix({}), sys.executable, "-c", "import os; print(os.getpid())"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert int(process.stdout.read()) == process.pid


def test_a_setting_that_does_not_exist_is_told_before_anything_is_run() -> None:
    assert "net.ipv4.no_such_thing = 1: No such file" in why_not({"net.ipv4.no_such_thing": "1"})
    assert "NAME=VALUE" in _fails("what", "--", "true")
    assert "usage" in _fails("a=b")


def _fails(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "proxy.lab.kernel", *words], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )  # fmt: skip
    assert done.returncode == 2
    return done.stderr

"""Who holds a socket."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from proxy.serve.machine.processes import Process, holders, process_of, user_name
from tests.processes import start_process


def test_a_socket_that_two_processes_hold() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        inode = os.fstat(sock.fileno()).st_ino
        sleeper = (sys.executable, "-c", "import time; time.sleep(60)")
        with start_process(sleeper, pass_fds=(sock.fileno(),)) as child:
            found = holders([inode, 1])
    assert {process.pid for process in found[inode]} == {os.getpid(), child.pid}
    assert {process.uid for process in found[inode]} == {os.getuid()}
    assert sleeper[1:] in {process.command[1:] for process in found[inode]}
    assert found[1] == []


def test_a_process_that_is_gone() -> None:
    assert process_of(2**22 + 1) is None  # above the largest pid


@pytest.mark.parametrize(
    ("command", "is_rproxy"),
    [
        (("/usr/bin/rproxy", "--config", "a"), True),
        (("/venv/bin/python3", "/venv/bin/rproxy", "--config", "a"), True),
        (("python", "-m", "proxy", "--config", "a"), True),
        (("python", "-m", "proxyX"), False),
        (("nginx", "-c", "rproxy"), False),
        ((), False),
    ],
)
def test_rproxy_knows_its_own_kind(command: tuple[str, ...], is_rproxy: bool) -> None:
    assert Process(1, "x", command, 0).is_rproxy is is_rproxy


def test_names_of_users() -> None:
    assert user_name(0) == "root"
    assert user_name(123_456_789) == "123456789"
    assert str(Process(7, "nginx", (), 0)) == "nginx (pid 7, user root)"

"""What is read of this machine, and of a network of its own with settings of its own."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from proxy.doctor.machine import read_machine
from tests.clients.support import missing
from tests.doctor.support import config
from tests.processes import ROOT, connect, start_backend, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.doctor.machine import Listening

ALONE = """
sysctl -qw net.core.somaxconn=64 net.ipv4.tcp_migrate_req=$1 net.ipv4.ip_local_port_range="40000 40099" &&
exec "$2" -m proxy doctor --json --config "$3"
"""
CONFIG = """
[frontends.web]
listen = "127.0.0.1:40050"
pool = "app"
limits.connections = 150

[pools.app]
backends = [{ address = "127.0.0.1:9001", members = 4, command = "app" }]
"""


def at(address: str) -> list[Listening]:
    return [found for found in read_machine(config()).listening or () if str(found.socket.address) == address]


def test_what_every_linux_has() -> None:
    machine = read_machine(config())
    assert 0 < machine.cpus <= (os.cpu_count() or 1)
    assert machine.memory > 1 << 20
    assert machine.open_files
    assert machine.number("net.core.somaxconn")
    assert machine.number("no.such") is None


def test_who_will_serve() -> None:
    mine = read_machine(config()).runs_as
    assert mine is not None
    assert mine.uid == os.geteuid()
    nobody = pwd.getpwnam("nobody")
    other = read_machine(config('user = "nobody"')).runs_as
    assert other is not None
    assert (other.uid, nobody.pw_gid in other.gids) == (nobody.pw_uid, True)
    assert read_machine(replace(config(), user="no-such-user")).runs_as is None


def test_who_listens_and_whose_it_is() -> None:
    with start_backend("hello") as backend:
        (found,) = at(backend.address)
        assert [owner.pid for owner in found.owners] == [backend.process.pid]
        assert found.owners[0].command[1:3] == ("-m", "backends.hello")
        connect(backend.address).close()
    assert at(backend.address) == []


@pytest.mark.slow
def test_connections_that_found_a_full_queue_are_counted() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, ExitStack() as stack:
        before = read_machine(config()).overflows
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        wait_until(lambda: read_machine(config()).overflows > before)


@pytest.mark.slow
def test_processes_that_share_one_socket() -> None:
    with start_backend("prefork", "--workers", "3") as backend:
        wait_until(lambda: len(at(backend.address)[0].owners) == 4)  # the parent too


@pytest.mark.slow
def test_a_network_of_its_own(tmp_path: Path) -> None:
    """sysctls of the network belong to its namespace, sockets as well."""
    (tmp_path / "lb.toml").write_text(CONFIG)
    levels = {}
    for migrate in "0", "1":
        levels[migrate] = {one["check"]: one for one in reversed(doctor_alone(migrate, str(tmp_path / "lb.toml")))}
    assert "tcp_migrate_req" in levels["0"]["lost queues"]["what"]
    assert "lost queues" not in levels["1"]
    for found in levels.values():
        assert "4096 to net.core.somaxconn = 64" in found["accept queues"]["what"]
        assert "40050" in found["local ports"]["what"] or "100 local ports" in found["local ports"]["what"]


def doctor_alone(migrate: str, path: str) -> list[dict[str, str]]:
    """Its findings, in a network namespace."""
    if shutil.which("unshare") is None:
        missing("unshare is not installed: apt-get install util-linux")
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--user", "--map-root-user"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("this user may not make a network namespace")
    args = [*unshare, "sh", "-c", ALONE, "sh", migrate, sys.executable, path]
    done = subprocess.run(args, capture_output=True, text=True, cwd=ROOT)
    assert not done.stderr
    findings: list[dict[str, str]] = json.loads(done.stdout)["findings"]
    return findings

"""Managed backends of a program that is replaced: used while the old one has them, handed over one by one, and no
request fails, not even when there is only one."""

from __future__ import annotations

import json
import os
import signal

import pytest

from tests.clients.support import descendants
from tests.processes import connect, free_port, is_alive, request, wait_until
from tests.serve.upgrade.support import DEADLINE, Upgraded, upgradable
from tests.systemd.clients import clients

pytestmark = pytest.mark.slow
CONFIG = """
workers = {workers}

[frontends.web]
listen = "127.0.0.1:0"
pool = "app"

[frontends.echo]
listen = "127.0.0.1:0"
mode = "tcp"
pool = "echo"

[pools.app.timeouts]
queue = "20s"
"""
BACKEND = """
[[pools.{pool}.backends]]
address = "127.0.0.1:{port}"
command = "python -m backends.{program} --listen {{address}}"
"""


def config(workers: int, hellos: int) -> str:
    apps = [BACKEND.format(pool="app", program="hello", port=free_port()) for _ in range(hellos)]
    return CONFIG.format(workers=workers) + "".join(
        [*apps, BACKEND.format(pool="echo", program="echo", port=free_port())]
    )


def pid_of_backend(up: Upgraded) -> int:
    found = json.loads(request(up.address).body)["pid"]
    assert isinstance(found, int)
    return found


@pytest.mark.parametrize(("workers", "hellos"), [(1, 1), (2, 2)])
def test_they_are_handed_over_and_no_request_fails(workers: int, hellos: int) -> None:
    with upgradable(config(workers, hellos)) as up:
        before = descendants(up.pid)
        assert pid_of_backend(up) in before
        with clients(up.address) as load:
            up.upgrade()
            up.wait_old_gone()
            load.serve_more()
        assert load.failed == []
        assert pid_of_backend(up) in descendants(up.pid)
        wait_until(lambda: not any(map(is_alive, before)), DEADLINE)


def test_they_stay_while_the_old_program_has_sessions() -> None:
    with upgradable(config(1, 1)) as up, connect(up.rproxy.addresses["echo"][0]) as old:
        backend = pid_of_backend(up)
        old.sendall(b"a")
        assert old.recv(1) == b"a"
        up.upgrade()
        old.sendall(b"b")
        assert old.recv(1) == b"b"
        assert pid_of_backend(up) == backend
        os.kill(up.pid, signal.SIGUSR2)
        wait_until(lambda: "has not given up all of its managed backends yet" in up.log, DEADLINE)
        old.close()
        up.wait_old_gone()
        assert pid_of_backend(up) != backend


def test_those_of_a_program_that_was_killed_are_started_at_once() -> None:
    with upgradable(config(1, 1)) as up, connect(up.rproxy.addresses["echo"][0]) as old:
        backend = pid_of_backend(up)
        old.sendall(b"a")
        assert old.recv(1) == b"a"
        up.upgrade()
        os.kill(up.before[0], signal.SIGKILL)
        wait_until(lambda: not is_alive(backend), DEADLINE)
        wait_until(lambda: request(up.address).status == 200, DEADLINE)
        assert pid_of_backend(up) in descendants(up.pid)

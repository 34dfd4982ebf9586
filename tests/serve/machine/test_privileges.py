"""rproxy started by root becomes somebody else for good, and goes on serving what it bound before.

As the user `nobody`, who may not be able to read the Python that runs the tests; then managed backends have no test.
"""

from __future__ import annotations

import contextlib
import grp
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients.support import RPROXY, descendants, running, short_directory, spawn, started
from tests.processes import DEADLINE, ROOT, end_group, free_port, request, wait_listening, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else"),
]
NOBODY = pwd.getpwnam("nobody")
SERVING = """
user = "nobody"

[frontends.web]
listen = ["{low}", "unix:{directory}/web.sock"]
pool = "app"

[frontends.web.socket]
unix_mode = "0660"
unix_owner = "daemon"
unix_group = "nogroup"

[pools.app]
backends = ["{backend}"]
"""
MANAGING = """
user = "nobody"
group = "daemon"

[frontends.web]
listen = "127.0.0.1:0"
pool = "app"

[[pools.app.backends]]
address = "127.0.0.1:{port}"
command = "python -m backends.hello --listen {{address}}"
"""


ADMINISTERED = """
user = "nobody"
workers = {workers}

[frontends.web]
listen = "127.0.0.1:0"
respond = 200

[admin]
listen = "127.0.0.1:{admin}"
"""


def low_port() -> int:
    """Free, and for root alone."""
    for port in range(1023, 600, -1):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port under 1024 is free")


def status_of(pid: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


@contextlib.contextmanager
def hello() -> Iterator[str]:
    """A backend of root's."""
    address = f"127.0.0.1:{free_port()}"
    with short_directory() as directory:
        process = spawn(directory, (sys.executable, "-m", "backends.hello", "--listen", address))
        try:
            wait_listening(address, process=process)
            yield address
        finally:
            end_group(process)


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def powerless(pid: int, gid: int) -> None:
    status = status_of(pid)
    assert status["Uid"] == [str(NOBODY.pw_uid)] * 4
    assert status["Gid"] == [str(gid)] * 4
    assert "0" not in status["Groups"]
    assert {int(status[name][0], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == ["1"]


def test_ports_and_sockets_of_root_are_served_by_nobody() -> None:
    low = f"127.0.0.1:{low_port()}"
    with hello() as backend, short_directory() as directory:
        directory.chmod(0o755)
        with running(SERVING.format(low=low, directory=directory, backend=backend)) as rproxy:
            powerless(rproxy.process.pid, NOBODY.pw_gid)
            for _ in range(3):
                assert request(low, "/").status == 200
            found = (directory / "web.sock").stat()
            owner, group = pwd.getpwuid(found.st_uid).pw_name, grp.getgrgid(found.st_gid).gr_name
            assert (owner, group, found.st_mode & 0o777) == ("daemon", "nogroup", 0o660)
            assert "running as user nobody" in rproxy.log
            assert "running as root" not in rproxy.log
        # `running` has seen it end well, though it could not remove the socket from root's directory; and the next:
        with started(SERVING.format(low=low, directory=directory, backend=backend)) as rproxy:
            assert request(low, "/").status == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_managed_backends_are_nobodys_too(workers: int) -> None:
    if not can_nobody_read_python():
        pytest.skip(f"nobody may not run {sys.executable}")
    with running(f"workers = {workers}\n" + MANAGING.format(port=free_port())) as rproxy:
        wait_until(lambda: request(rproxy.address, "/").status == 200)
        children = descendants(rproxy.process.pid)
        if workers == 1:
            powerless(rproxy.process.pid, grp.getgrnam("daemon").gr_gid)
        else:
            children = {pid for pid in children if name_of(pid) != "rproxy spawner"}
        assert len(children) == 1 if workers == 1 else 3
        for pid in children:
            powerless(pid, grp.getgrnam("daemon").gr_gid)


def test_workers_are_nobodys_and_their_supervisor_stays_root() -> None:
    """Nothing that they tell it may be more than numbers and words."""
    low = f"127.0.0.1:{low_port()}"
    with hello() as backend, short_directory() as directory:
        directory.chmod(0o755)
        with running("workers = 2\n" + SERVING.format(low=low, directory=directory, backend=backend)) as rproxy:
            workers = [pid for pid in descendants(rproxy.process.pid) if name_of(pid).startswith("rproxy worker")]
            assert len(workers) == 2
            for pid in workers:
                powerless(pid, NOBODY.pw_gid)
            assert status_of(rproxy.process.pid)["Uid"] == ["0"] * 4
            os.kill(workers[0], signal.SIGKILL)
            for _ in range(6):
                assert request(low, "/").status == 200
        assert not (directory / "web.sock").exists()  # the supervisor may remove it


def test_whoever_stays_root_is_warned() -> None:
    config = '[frontends.web]\nlisten = "127.0.0.1:0"\npool = "app"\n[pools.app]\nbackends = ["127.0.0.1:1"]\n'
    with running(config) as rproxy:
        wait_until(lambda: 'running as root: user = "nobody"' in rproxy.log)


def test_who_is_not_root_cannot_become_another(tmp_path: Path) -> None:
    """In a process of its own, that has become daemon itself."""
    script = (
        "import os, sys; sys.path.insert(0, os.getcwd())\n"
        "from proxy.core.config import Config\nfrom proxy.serve.machine.privileges import PrivilegeError, drop\n"
        "drop(Config(user='daemon', frontends={}))\n"
        "try:\n    drop(Config(user='nobody', frontends={}))\n"
        "except PrivilegeError as error:\n    print(error)\n"
        "drop(Config(user='daemon', frontends={}))\nprint(os.environ['USER'], os.getresuid()[2])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    daemon = pwd.getpwnam("daemon").pw_uid
    assert done.stdout.splitlines() == [
        f"only root can become user nobody, and this is user id {daemon}",
        f"daemon {daemon}",
    ]


def test_workers_that_cannot_read_python_tell_what_they_count() -> None:
    admin = free_port()
    with running(ADMINISTERED.format(workers=2, admin=admin)) as rproxy:
        for _ in range(3):
            assert request(rproxy.address).status == 200
        wait_until(lambda: exchanges(admin) == 3)
        assert " died" not in rproxy.log


def exchanges(admin: int) -> int:
    told = json.loads(request(f"127.0.0.1:{admin}", "/api/statistics").body)
    count: int = told["frontends"][0]["exchanges"]
    return count


def test_one_process_with_an_admin_address_has_to_read_python() -> None:
    admin = free_port()
    with short_directory() as directory:
        (directory / "lb.toml").write_text(ADMINISTERED.format(workers=1, admin=admin))
        process = spawn(directory, (*RPROXY, "--config", str(directory / "lb.toml")))
        try:
            if can_nobody_read_python():
                wait_listening(f"127.0.0.1:{admin}", process=process)
                assert exchanges(admin) == 0
            else:
                assert process.wait(DEADLINE) == 1
                error = (directory / "stderr").read_text()
                assert "rproxy: user nobody cannot read the Python that runs rproxy, which [admin] needs: " in error
                assert "Traceback" not in error
        finally:
            end_group(process)


def can_nobody_read_python() -> bool:
    try:
        subprocess.run([sys.executable, "-c", "import encodings.cp037"], cwd=ROOT, user="nobody", check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True

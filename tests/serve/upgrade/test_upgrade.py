"""SIGUSR2 with real processes: nobody is refused, what runs goes on, and a successor that fails changes nothing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients.support import descendants, short_directory
from tests.processes import connect, free_port, is_alive, is_listening, request, start_backend, wait_until
from tests.serve.upgrade.support import DEADLINE, Upgraded, open_files, upgradable
from tests.systemd.clients import clients

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Figures

pytestmark = pytest.mark.slow
CHANNEL = 1  # a descriptor, to the program before
CONFIG = """
workers = {workers}

[frontends.web]
listen = ["127.0.0.1:0", "unix:{directory}/web.sock"]
pool = "app"

[frontends.echo]
listen = "127.0.0.1:0"
mode = "tcp"
pool = "echo"

[shutdown]
drain = "10s"

[pools.app]
backends = ["{app}"]

[pools.echo]
backends = ["{echo}"]
"""


@pytest.fixture(scope="module")
def backends() -> Iterator[dict[str, str]]:
    with start_backend("hello") as app, start_backend("echo") as echo:
        yield {"app": app.address, "echo": echo.address}


@pytest.fixture(params=[1, 2], ids=["one process", "two workers"])
def upgraded(request: pytest.FixtureRequest, backends: dict[str, str]) -> Iterator[Upgraded]:
    with (
        short_directory() as directory,
        upgradable(CONFIG.format(workers=request.param, directory=directory, **backends)) as upgraded,
    ):
        yield upgraded


def test_nobody_is_refused(upgraded: Upgraded, figures: Figures) -> None:
    tcp, unix = upgraded.rproxy.addresses["web"]
    with clients(tcp) as load, clients(unix) as local:
        upgraded.upgrade()
        load.serve_more()
        local.serve_more()
    upgraded.wait_old_gone()
    assert request(tcp).status == 200
    assert request(unix).status == 200
    figures(
        f"upgraded under load: {load.done + local.done} requests, {len(load.failed + local.failed)} failed, "
        f"slowest {max(load.slowest, local.slowest):.2f} s"
    )
    assert load.failed + local.failed == []


def say(sock: socket.socket, data: bytes) -> None:
    sock.sendall(data)
    assert sock.recv(100) == data


def test_what_runs_goes_on_in_the_old_program_until_both_are_told_to_end(upgraded: Upgraded) -> None:
    """A service manager that stops the service means all of it, and kills what the main process leaves: that one waits.
    A second signal does not."""
    predecessor = upgraded.pid
    with connect(upgraded.rproxy.addresses["echo"][0]) as old:
        say(old, b"before")
        upgraded.upgrade()
        successor = upgraded.pid
        say(old, b"after")
        with connect(upgraded.rproxy.addresses["echo"][0]) as new:
            say(new, b"to the successor")
        os.kill(successor, signal.SIGTERM)
        wait_until(lambda: upgraded.log.count("SIGTERM") == 1, DEADLINE)
        say(old, b"while it ends")
        assert is_alive(successor)

        def is_over() -> bool:
            with contextlib.suppress(ProcessLookupError):
                os.kill(predecessor, signal.SIGTERM)
            return not is_alive(predecessor)

        wait_until(is_over, DEADLINE)
        wait_until(lambda: not is_alive(successor), DEADLINE)


def test_what_runs_goes_on_over_two_upgrades(backends: dict[str, str]) -> None:
    """The program in the middle stays for the sake of the first, which would take its end for a word to hurry."""
    with short_directory() as directory, upgradable(CONFIG.format(workers=1, directory=directory, **backends)) as up:
        with connect(up.rproxy.addresses["echo"][0]) as old:
            say(old, b"first")
            for word in (b"second", b"third"):
                up.upgrade()
                say(old, word)
            assert request(up.address).status == 200
            assert all(map(is_alive, up.before))
        up.wait_old_gone()


def test_a_successor_that_cannot_start_changes_nothing(backends: dict[str, str]) -> None:
    """Its file is bad, or somebody else has a port that it wants; when that is mended it comes up."""
    with short_directory() as directory, upgradable(CONFIG.format(workers=1, directory=directory, **backends)) as up:
        path = up.rproxy.directory / "lb.toml"
        good = path.read_text()
        with socket.create_server(("127.0.0.1", 0)) as taken, clients(up.address) as load:
            port = taken.getsockname()[1]
            for bad in ("mode = 1\n", f'[frontends.more]\nlisten = "127.0.0.1:{port}"\npool = "app"\n'):
                path.write_text(good + bad)
                up.fail()
                load.serve_more()
            path.write_text(good)
            up.upgrade()
        assert load.failed == []
        assert up.log.count("before it served; what it said stands above") == 2
        assert 'unknown key "mode"' in up.log
        assert f"cannot listen on 127.0.0.1:{port}" in up.log


def test_one_that_takes_too_long_is_ended(backends: dict[str, str]) -> None:
    """Its listener says nothing of it: it was stopped before it could."""
    config = CONFIG.format(workers=1, directory="/tmp", **backends).replace(', "unix:/tmp/web.sock"', "")
    with upgradable(config + '[upgrade]\nstart = "300ms"\n') as upgraded:
        upgraded.fail()
        assert "does not serve after 0.3 s, and was ended" in upgraded.log
        assert request(upgraded.address).status == 200
        wait_until(lambda: not descendants(upgraded.pid), DEADLINE)


def test_another_version_is_what_is_started(backends: dict[str, str]) -> None:
    """Frontends that are gone are let go, new ones are there, and the rest is what it was."""
    with short_directory() as directory, upgradable(CONFIG.format(workers=1, directory=directory, **backends)) as up:
        path = up.rproxy.directory / "lb.toml"
        (echo,) = up.rproxy.addresses["echo"]
        more = f"127.0.0.1:{free_port()}"
        gone, new = '[frontends.echo]\nlisten = "127.0.0.1:0"', f'[frontends.more]\nlisten = "{more}"'
        path.write_text(path.read_text().replace(gone, new))
        up.upgrade()
        up.wait_old_gone()
        wait_until(lambda: not is_listening(echo))
        assert is_listening(more)
        assert request(up.address).status == 200
        assert request(f"unix:{directory}/web.sock").status == 200
        assert "no frontend listens on" in up.log


def test_the_admin_pages_are_those_of_the_program_that_serves(backends: dict[str, str]) -> None:
    admin = f"127.0.0.1:{free_port()}"
    more = f'[admin]\nlisten = "{admin}"\n'
    with short_directory() as directory:
        config = CONFIG.format(workers=1, directory=directory, **backends) + more
        with upgradable(config) as up, connect(up.rproxy.addresses["echo"][0]) as old:
            say(old, b"before")
            assert json.loads(request(admin, "/api/statistics").body)["pid"] == up.pid
            up.upgrade()
            say(old, b"after")
            wait_until(lambda: not is_listening_in(up.before[0], admin), DEADLINE)
            for _ in range(5):
                assert json.loads(request(admin, "/api/statistics").body)["pid"] == up.pid


def is_listening_in(pid: int, address: str) -> bool:
    """Whether this process has the socket open that listens there."""
    port = int(address.rpartition(":")[2])
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    inodes = {line.split()[9] for line in lines if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"}
    links = {os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink()}
    return any(f"socket:[{inode}]" in links for inode in inodes)


def test_more_workers_and_fewer_serve_what_there_was(backends: dict[str, str]) -> None:
    """One socket for three workers, then as ever; nobody is refused at any time."""
    with short_directory() as directory, upgradable(CONFIG.format(workers=1, directory=directory, **backends)) as up:
        path = up.rproxy.directory / "lb.toml"
        with clients(up.address) as load:
            for before, after in ((1, 3), (3, 1)):
                path.write_text(path.read_text().replace(f"workers = {before}", f"workers = {after}"))
                up.upgrade()
                load.serve_more(100)
        assert load.failed == []


def test_nothing_is_left_open(backends: dict[str, str]) -> None:
    """No generation has more descriptors than the one before it."""
    with short_directory() as directory, upgradable(CONFIG.format(workers=1, directory=directory, **backends)) as up:
        assert request(up.address).status == 200  # its connection to the backend stays
        first = open_files(up.pid)
        for _ in range(2):
            up.upgrade()
            up.wait_old_gone()
            assert request(up.address).status == 200
            wait_until(lambda: open_files(up.pid) <= first + CHANNEL, DEADLINE)  # and idle connections come and go

"""rproxy under a real systemd, from the unit files that we ship, with clients that come all the time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.processes import free_port, is_listening, request, start_backend, wait_until
from tests.systemd.clients import CLIENTS, clients
from tests.systemd.service import install, install_socket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Figures
    from tests.systemd.lab import Lab

pytestmark = pytest.mark.slow
DEADLINE = 30.0  # seconds; a start takes one on a busy machine
CONFIG = """
[frontends.web]
listen = "{address}"
pool = "app"

[pools.app]
backends = ["{backend}"]
"""
SOCKETS = """
[Unit]
Requires={0}
After={0}
[Service]
Sockets={0}
"""


@pytest.fixture(scope="module")
def backend() -> Iterator[str]:
    with start_backend("hello") as backend:
        yield backend.address


@pytest.fixture
def address() -> str:
    return f"127.0.0.1:{free_port()}"


def test_started_means_that_clients_are_served(lab: Lab, backend: str, address: str) -> None:
    service = install(lab, "starts", CONFIG.format(address=address, backend=backend))
    service.do("start")
    assert request(address).status == 200
    assert service.show("StatusText") == "serving"
    service.do("stop")
    assert service.show("Result") == "success"
    assert not is_listening(address)


def test_a_start_that_fails_says_why(lab: Lab) -> None:
    service = install(lab, "fails", "[frontends.web]\nlisten = 1\n", "Restart=no")
    assert "failed" in lab.ctl("start", "fails.service")
    service.wait(ActiveState="failed", Result="exit-code")
    assert "is not an address" in service.journal


def test_restarts_lose_no_connection(lab: Lab, backend: str, address: str, figures: Figures) -> None:
    """The fd store: the listening socket stays, and who connects meanwhile waits."""
    service = install(lab, "restarts", CONFIG.format(address=address, backend=backend))
    service.do("start")
    with clients(address) as load:
        for _ in range(3):
            service.do("restart")
            load.serve_more()
    service.do("stop")
    figures(f"systemd, 3 restarts: {load.done} requests, {len(load.failed)} failed, slowest {load.slowest:.2f} s")
    assert load.failed == []


def test_a_unix_socket_stays_over_a_restart_and_its_clients_wait(lab: Lab, backend: str) -> None:
    address = f"unix:{lab.directory}/stays.sock"
    service = install(lab, "stays", CONFIG.format(address=address, backend=backend), f"ReadWritePaths={lab.directory}")
    service.do("start")
    with clients(address) as load:
        service.do("restart")
    service.do("stop")
    assert load.failed == []


def test_a_stored_socket_for_an_address_that_is_gone_is_let_go(lab: Lab, backend: str, address: str) -> None:
    """Or its clients would connect, and wait for ever."""
    other = f"127.0.0.1:{free_port()}"
    service = install(lab, "moves", CONFIG.format(address=address, backend=backend))
    service.do("start")
    service.configure(CONFIG.format(address=other, backend=backend))
    service.do("restart")
    assert request(other).status == 200
    wait_until(lambda: not is_listening(address))
    assert service.show("NFileDescriptorStore") == "1"
    service.do("stop")


@pytest.mark.parametrize("workers", [1, 2])
def test_reloads_and_upgrades_lose_no_connection(
    lab: Lab, backend: str, address: str, figures: Figures, workers: int
) -> None:
    """What systemd takes for the main process is the one that serves, each time."""
    name, more = f"changes{workers}", f"127.0.0.1:{free_port()}"
    config = f"workers = {workers}\n" + CONFIG.format(address=address, backend=backend)
    service = install(lab, name, config)
    service.do("start")
    with clients(address) as load:
        service.configure(config.replace("listen =", f'listen = ["{more}", ').replace(f'"{address}"', f'"{address}"]'))
        service.do("reload")
        wait_until(lambda: is_listening(more))
        service.wait(SubState="running", NFileDescriptorStore=str(2 * workers))
        service.configure("nonsense")
        service.do("reload")
        service.wait(SubState="running", StatusText="serving, but the last reload was refused")
        assert "has errors" in service.journal
        service.configure(config)
        pid = service.show("MainPID")
        service.signal("USR2")
        wait_until(lambda: service.show("MainPID") != pid, DEADLINE)
        service.wait(SubState="running", NRestarts="0", NFileDescriptorStore=str(workers), StatusText="serving")
        service.do("restart")
    service.do("stop")
    assert service.show("Result") == "success"
    figures(
        f"systemd, workers = {workers}, 2 reloads, an upgrade, a restart: {load.done} requests, "
        f"{len(load.failed)} failed, slowest {load.slowest:.2f} s"
    )
    assert load.failed == []


def test_a_new_version_that_fails_leaves_the_service_as_it_is(lab: Lab, backend: str, address: str) -> None:
    config = CONFIG.format(address=address, backend=backend)
    service = install(lab, "stays-old", config, "WatchdogSec=1")
    service.do("start")
    pid = service.show("MainPID")
    with clients(address) as load:
        service.configure("nonsense")
        service.signal("USR2")
        wait_until(lambda: "no upgrade, process" in service.journal, DEADLINE)
        service.configure(config)
        service.signal("USR2")
        wait_until(lambda: service.show("MainPID") != pid, DEADLINE)
        for _ in range(3):  # the watchdog is fed by the new one: half a second each
            service.wait(SubState="running")
            load.serve_more(200)
    assert service.show("NRestarts") == "0"
    service.do("stop")
    assert load.failed == []


def test_a_kill_costs_what_was_being_served_and_nothing_else(
    lab: Lab, backend: str, address: str, figures: Figures
) -> None:
    service = install(lab, "killed", CONFIG.format(address=address, backend=backend))
    service.do("start")
    with clients(address) as load:
        for number in range(1, 4):
            service.signal("KILL")
            service.wait(NRestarts=str(number), SubState="running")
            load.serve_more()
    service.do("stop")
    figures(
        f"systemd, 3 x kill -9: {load.done} requests, {len(load.failed)} that were being served failed, "
        f"slowest {load.slowest:.2f} s"
    )
    assert len(load.failed) <= 3 * CLIENTS


def test_one_that_hangs_is_ended_by_the_watchdog_and_is_back(
    lab: Lab, backend: str, address: str, figures: Figures
) -> None:
    service = install(lab, "hangs", CONFIG.format(address=address, backend=backend), "WatchdogSec=1")
    service.do("start")
    with clients(address) as load:
        start = time.monotonic()
        service.signal("STOP")
        service.wait(NRestarts="1", SubState="running")
        load.serve_more()
        took = time.monotonic() - start
    journal = service.journal
    assert "Watchdog timeout" in journal
    assert "Fatal Python error: Aborted" in journal  # and where it was
    service.do("stop")
    figures(
        f"systemd, hung (SIGSTOP), watchdog of 1 s: serving again after {took:.1f} s, {load.done} requests, "
        f"{len(load.failed)} that were being served failed"
    )
    assert len(load.failed) <= CLIENTS


def test_the_first_client_starts_it(lab: Lab, backend: str, address: str, figures: Figures) -> None:
    service = install(lab, "activated", CONFIG.format(address=address, backend=backend))
    install_socket(lab, "activated", [address], "web")
    lab.do("start", "activated.socket")
    assert service.show("ActiveState") == "inactive"
    with clients(address) as load:
        assert service.show("ActiveState") == "active"
        service.do("restart")
        load.serve_more()
        service.do("stop", "--quiet")  # the next client starts it again
    assert service.show("NFileDescriptorStore") == "0"  # what the socket unit keeps need not be stored
    lab.do("stop", "activated.socket", "activated.service")
    assert not is_listening(address)
    figures(
        f"systemd, started by the first client, restarted, stopped and started by the next: {load.done} requests, "
        f"{len(load.failed)} failed, slowest {load.slowest:.2f} s"
    )
    assert load.failed == []


def test_a_socket_unit_gives_a_frontend_its_address_by_name(lab: Lab, backend: str, address: str) -> None:
    """Two socket units for one service; the file lists other addresses."""
    elsewhere = f"unix:{lab.directory}/named.sock"
    local = f'[frontends.local]\nlisten = "unix:@{lab.directory}"\npool = "app"\n'
    service = install(lab, "named", CONFIG.format(address=f"127.0.0.1:{free_port()}", backend=backend) + local)
    install_socket(lab, "named", [address], "web")
    install_socket(lab, "named-local", [elsewhere.removeprefix("unix:")], "local")
    lab.write("named-local.socket.d/service.conf", "[Socket]\nService=named.service\n")
    lab.write("named.service.d/sockets.conf", SOCKETS.format("named.socket named-local.socket"))
    lab.reload_units()
    service.do("start")
    assert request(address).status == 200
    assert request(elsewhere).status == 200
    lab.do("stop", "named.socket", "named-local.socket", "named.service")

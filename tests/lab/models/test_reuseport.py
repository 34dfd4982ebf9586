"""SO_REUSEPORT: processes that bind one port, or get a socket of the group; restarted by the lab or a shell's loop."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.lab.application import SAMPLE, Application, parse_application
from proxy.lab.deployment import DeployError, DeploymentSpec
from proxy.lab.models.reuseport import Reuseport, reserved_port
from tests.processes import is_alive, request

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.lab.deployment import Deployment

MODEL = Reuseport()


async def pids_that_answer(target: str, count: int) -> set[int]:
    """Of requests on new connections, until so many were met."""
    found: set[int] = set()
    with trio.fail_after(10):
        while len(found) < count:
            answer = await trio.to_thread.run_sync(request, target)
            found.add(json.loads(answer.body)["pid"])
    return found


def pids(deployed: Deployment) -> set[int]:
    return {worker.pid for worker in deployed.workers()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "way"), [("supervised", "reuseport"), ("supervised", "fd"), ("plain-loop", "reuseport")]
)
async def test_all_workers_answer_on_one_port(directory: Path, variant: str, way: str) -> None:
    application = Application("hello", {way: SAMPLE.commands[way]})  # type: ignore[dict-item, index]
    async with MODEL.deploying(variant, DeploymentSpec(application, 3, directory)) as deployed:
        assert await pids_that_answer(deployed.target, 3) == pids(deployed)
        before = pids(deployed)
        await deployed.kill(2)
        with trio.fail_after(10):
            while len(pids(deployed) - before) != 1 or len(pids(deployed)) != 3:  # noqa: ASYNC110
                await trio.sleep(0.01)
        assert [worker.number for worker in deployed.workers()] == [1, 2, 3]


@pytest.mark.slow
async def test_a_restart_replaces_every_worker(directory: Path) -> None:
    async with MODEL.deploying("supervised", DeploymentSpec(SAMPLE, 2, directory)) as deployed:
        before = pids(deployed)
        await deployed.restart()
        assert not pids(deployed) & before
        assert await pids_that_answer(deployed.target, 2) == pids(deployed)


@pytest.mark.slow
async def test_a_shell_that_is_told_to_end_takes_its_worker_along(directory: Path) -> None:
    async with MODEL.deploying("plain-loop", DeploymentSpec(SAMPLE, 1, directory)) as deployed:
        (shell,), (worker,) = deployed.roots(), pids(deployed)
        os.kill(shell, signal.SIGTERM)
        with trio.fail_after(10):
            while is_alive(worker):  # noqa: ASYNC110
                await trio.sleep(0.01)


@pytest.mark.slow
async def test_one_that_cannot_start_is_quoted(directory: Path) -> None:
    application = parse_application([], reuseport=["python -c 'raise SystemExit(\"no licence\")' {port}"])
    with pytest.raises(DeployError, match="no licence"):
        async with MODEL.deploying("supervised", DeploymentSpec(application, 2, directory)):
            pass


def test_who_cannot_share_a_port_is_told() -> None:
    application = parse_application(["serve --uds {socket}"])
    for variant in MODEL.variants(application):
        (missing,) = MODEL.missing(variant, application)
        assert "--app-reuseport" in missing.how
    takes_descriptors = parse_application(["serve --fd {fd}"])
    assert not MODEL.missing("supervised", takes_descriptors)
    assert MODEL.missing("plain-loop", takes_descriptors)  # a loop would hold the socket open when its worker dies


def test_a_reserved_port_is_nobody_elses() -> None:
    with reserved_port() as port, socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))


def test_unix_sockets_cannot_be_a_group(tmp_path: Path) -> None:
    """What the kernel says: SO_REUSEPORT is refused for them, or at the latest the second bind to a path."""
    path = str(tmp_path / "group.sock")
    with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as other:
        refused = set()
        for sock in (one, other):
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            except OSError as error:
                refused.add(error.errno)
        one.bind(path)
        one.listen()
        with pytest.raises(OSError, match="in use") as caught:
            other.bind(path)
        assert caught.value.errno == errno.EADDRINUSE
        assert refused <= {errno.EOPNOTSUPP}

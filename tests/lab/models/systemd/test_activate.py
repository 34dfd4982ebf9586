"""The stand-in: one process that takes the listener over at the first connection."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from proxy.lab.application import SAMPLE
from proxy.lab.deployment import CannotDo, DeploymentSpec
from proxy.lab.models.systemd.activate import PROGRAM, STAND_IN, missing_for_stand_in
from proxy.lab.models.systemd.sockets import SystemdSocket
from tests.clients.support import program
from tests.lab.models.systemd.support import load, pids, until


@pytest.mark.slow
async def test_it_becomes_the_application_and_is_started_again_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    program(PROGRAM, "systemd")
    monkeypatch.setenv("COLOUR", "blue")
    with tempfile.TemporaryDirectory(prefix="rproxy-lab-") as directory:
        async with SystemdSocket().deploying(STAND_IN, DeploymentSpec(SAMPLE, 2, Path(directory))) as deployed:
            before = pids(deployed)
            assert (await load(deployed)).completed
            assert pids(deployed) == before
            assert b"COLOUR=blue\0" in environment(before[1])
            with pytest.raises(CannotDo, match="does not start anything again"):
                await deployed.restart()
            with pytest.raises(CannotDo, match="one process"):
                await deployed.scale(2)
            await deployed.kill(1)
            await until(lambda: not deployed.workers())
        assert not os.listdir(directory)


def environment(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def test_without_the_program_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert str(missing_for_stand_in()[0]) == f"no {PROGRAM}: apt-get install systemd"

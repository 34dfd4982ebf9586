"""One listening socket for all workers: forked from one parent, or given to N processes of any application."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import parse_address
from proxy.lab.application import SAMPLE, parse_application
from proxy.lab.deployment import DeploymentSpec
from proxy.lab.models.prefork import Prefork
from proxy.serve.machine.processes import holders
from proxy.serve.machine.sock_diag import listening_sockets
from tests.processes import request

if TYPE_CHECKING:
    from pathlib import Path

MODEL = Prefork()
OTHERS = replace(SAMPLE, is_sample=False)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["epoll", "shared-fd"])
async def test_all_accept_from_one_socket_and_are_replaced(directory: Path, variant: str) -> None:
    async with MODEL.deploying(variant, DeploymentSpec(OTHERS, 3, directory)) as deployed:
        address = parse_address(deployed.target)
        (inode,) = [sock.inode for sock in listening_sockets() if sock.address == address]
        workers = {worker.pid for worker in deployed.workers()}
        assert len(workers) == 3
        assert workers < {process.pid for process in holders([inode])[inode]}  # the parent or the lab has it too
        stopped = deployed.workers()[0].pid
        os.kill(stopped, signal.SIGSTOP)
        try:  # what it leaves to the others
            for _ in range(10):
                answer = await trio.to_thread.run_sync(request, deployed.target)
                assert answer.status == 200
        finally:
            os.kill(stopped, signal.SIGCONT)
        await deployed.restart()
        after = {worker.pid for worker in deployed.workers()}
        assert len(after) == 3
        assert not after & workers


def test_of_another_application_there_is_one_variant() -> None:
    application = parse_application(["serve --fd {fd}"])
    assert MODEL.variants(application) == ("shared-fd",)
    assert not MODEL.missing("shared-fd", application)
    (missing,) = MODEL.missing("shared-fd", parse_application(["serve {port}"]))
    assert "descriptor" in missing.what

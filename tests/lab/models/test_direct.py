"""One process by itself: deployed on a port or a socket, killed, and gone with the block."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.lab.application import SAMPLE, Application, parse_application
from proxy.lab.deployment import DeployError, DeploymentSpec
from proxy.lab.load.generate import generate
from proxy.lab.load.spec import LoadSpec
from proxy.lab.models.direct import Direct

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("way", ["port", "socket"])
async def test_it_serves_and_is_gone(directory: Path, way: str) -> None:
    application = Application("hello", {way: SAMPLE.commands[way]})  # type: ignore[dict-item, index]
    async with Direct().deploying("", DeploymentSpec(application, 1, directory)) as deployed:
        (worker,) = deployed.workers()
        result = await generate(LoadSpec(deployed.target, mode="closed", connections=2, seconds=0.2, warm_up=0.0))
        assert result.completed > 10
        assert not result.errors
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)
    assert not os.listdir(directory)


async def test_a_killed_worker_is_no_worker(directory: Path) -> None:
    async with Direct().deploying("", DeploymentSpec(SAMPLE, 1, directory)) as deployed:
        await deployed.kill(1)
        with trio.fail_after(10):
            while deployed.workers():  # noqa: ASYNC110
                await trio.sleep(0.01)


async def test_a_command_that_fails_is_quoted(directory: Path) -> None:
    application = parse_application(["python -c 'raise SystemExit(\"no licence\")' {port}"])
    with pytest.raises(DeployError, match="no licence"):
        async with Direct().deploying("", DeploymentSpec(application, 1, directory)):
            pass


def test_an_application_of_other_ways_in_is_told() -> None:
    application = parse_application(["serve --fd {fd}"])
    (missing,) = Direct().missing("", application)
    assert "takes no port" in str(missing)

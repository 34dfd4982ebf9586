"""rproxy in front of workers that it manages: counted, killed, and replaced without a lost request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from proxy.lab.application import SAMPLE, parse_application
from proxy.lab.deployment import DeploymentSpec
from proxy.lab.load.generate import generate, generating
from proxy.lab.load.spec import LoadSpec
from proxy.lab.models.rproxy.deployed import Separate
from proxy.lab.models.rproxy.model import PROXY_REUSEPORT, PROXY_TCP, PROXY_UNIX

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.lab.deployment import Deployment


@pytest.mark.slow
async def test_it_tells_who_has_answered_what_and_replaces_all_without_a_loss(directory: Path) -> None:
    async with PROXY_UNIX.deploying("round-robin", DeploymentSpec(SAMPLE, 2, directory)) as deployed:
        assert isinstance(deployed, Separate)
        before = await deployed.requests_by_worker()
        load = await generate(LoadSpec(deployed.target, mode="closed", connections=4, seconds=0.2, warm_up=0.0))
        counts: list[int] = []
        with trio.fail_after(10):
            while sum(counts) < load.completed:
                after = await deployed.requests_by_worker()
                counts = [after[number] - before[number] for number in (1, 2)]
        assert sum(counts) <= load.completed + 4  # those that ended behind the measured time
        assert abs(counts[0] - counts[1]) <= 1
        await restart_under_load(deployed)


@pytest.mark.soak
async def test_a_group_is_replaced_without_a_loss(directory: Path) -> None:
    async with PROXY_REUSEPORT.deploying("least-connections", DeploymentSpec(SAMPLE, 2, directory)) as deployed:
        await restart_under_load(deployed)


async def restart_under_load(deployed: Deployment) -> None:
    before = {worker.pid for worker in deployed.workers()}
    async with generating(LoadSpec(deployed.target, rate=200.0, connections=8, seconds=60.0, warm_up=0.0)) as load:
        await load.began()
        await deployed.restart()
        result = await load.stop()
    assert result.completed > 0
    assert result.errors == {}
    after = {worker.pid for worker in deployed.workers()}
    assert len(after) == 2
    assert not after & before


def test_who_does_not_take_its_way_in_is_told() -> None:
    application = parse_application(["serve {socket}"])
    assert not PROXY_UNIX.missing("", application)
    for model in (PROXY_TCP, PROXY_REUSEPORT):
        (missing,) = model.missing("", application)
        assert "{port}" in missing.how

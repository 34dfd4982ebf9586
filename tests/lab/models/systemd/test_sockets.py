"""Socket units keep the queue: restarts lose nothing, and what a killed worker loses is what it was answering."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from proxy.lab.application import SAMPLE, parse_application
from proxy.lab.deployment import DeploymentSpec
from proxy.lab.emit.worker_units import PASSED
from proxy.lab.load.generate import generating
from proxy.lab.load.spec import LoadSpec
from proxy.lab.models.systemd.sockets import INSTANCES, ONE, SHARED, SystemdSocket
from tests.lab.models.systemd.support import is_non_blocking, load, pids

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


async def test_restarts_lose_no_connection(directory: Path) -> None:
    """In each variant; all at the same time, because most of it is waiting."""

    async def restarted(variant: str) -> None:
        place = directory / variant
        place.mkdir()
        async with SystemdSocket().deploying(variant, DeploymentSpec(SAMPLE, 2, place)) as deployed:
            before = pids(deployed)
            spec = LoadSpec(deployed.target, rate=50.0, clients="new", seconds=1.0, warm_up=0.0, timeout=20.0)
            async with generating(spec) as running:
                await deployed.restart()
                result = await running.result()
            after = pids(deployed)
        assert result.errors == {}
        assert before.keys() == after.keys()
        assert not set(before.values()) & set(after.values())

    async with trio.open_nursery() as nursery:
        for variant in (INSTANCES, SHARED, ONE):
            nursery.start_soon(restarted, variant)


async def test_instances_that_share_a_socket_leave_it_non_blocking(directory: Path) -> None:
    """systemd clears the flag of what it passes, at each start, unless told; and the flag is everybody's."""
    async with SystemdSocket().deploying(SHARED, DeploymentSpec(SAMPLE, 2, directory)) as deployed:
        await deployed.scale(3)
        assert is_non_blocking(pids(deployed)[1], PASSED)


async def test_a_worker_that_is_killed_leaves_its_queue_to_the_next(directory: Path) -> None:
    async with SystemdSocket().deploying(ONE, DeploymentSpec(SAMPLE, 2, directory)) as deployed:
        await deployed.kill(1)
        with trio.fail_after(30):
            result = await load(deployed, connections=1)
    assert result.completed
    assert result.errors == {}


def test_an_application_that_takes_no_socket_over_is_told() -> None:
    for variant in SystemdSocket().variants(SAMPLE):
        missing = SystemdSocket().missing(variant, parse_application(["serve {port}"]))
        assert "takes no listening socket over" in str(missing[0])

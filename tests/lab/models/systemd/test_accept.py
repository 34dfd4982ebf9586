"""A process per connection: served, limited, and two orders of magnitude below a process that stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.lab.application import SAMPLE, parse_application
from proxy.lab.deployment import CannotDo, DeploymentSpec
from proxy.lab.load.generate import generate
from proxy.lab.load.spec import LoadSpec
from proxy.lab.models.direct import Direct
from proxy.lab.models.systemd.accept import SYSTEMD, SystemdAccept
from proxy.lab.models.systemd.activate import STAND_IN
from tests.lab.models.systemd.support import load

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Figures

pytestmark = pytest.mark.slow


async def test_each_connection_has_its_process_and_no_worker_lasts(directory: Path) -> None:
    async with SystemdAccept().deploying(SYSTEMD, DeploymentSpec(SAMPLE, 2, directory)) as deployed:
        assert not deployed.workers()
        assert deployed.roots()
        with pytest.raises(CannotDo, match="for one connection only"):
            await deployed.kill(1)
        result = await load(deployed)
    assert result.completed
    assert result.errors == {}


async def test_it_costs_two_orders_of_magnitude(directory: Path, figures: Figures) -> None:
    """Against a process that stays and connections that are kept; generous: at least thirty times."""
    async with SystemdAccept().deploying(SYSTEMD, DeploymentSpec(SAMPLE, 2, directory)) as deployed:
        each = await load(deployed, seconds=0.5)
    async with Direct().deploying("", DeploymentSpec(SAMPLE, 1, directory)) as deployed:
        kept = await generate(LoadSpec(deployed.target, mode="closed", connections=4, seconds=0.2, warm_up=0.1))
    once, often = each.completed / each.seconds, kept.completed / kept.seconds
    figures(f"Accept=yes {once:.0f} requests/s, one process that stays {often:.0f}: {often / once:.0f} times")
    assert once
    assert often > 30 * once


def test_an_application_for_ports_is_told() -> None:
    missing = SystemdAccept().missing(STAND_IN, parse_application(["serve {port}"]))
    assert "--app-stdio" in str(missing[0])

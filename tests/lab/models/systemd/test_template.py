"""Template units with Restart=: started again by systemd, for ever with the sane settings, five times with its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.lab.application import SAMPLE, parse_application
from proxy.lab.deployment import DeployError, DeploymentSpec
from proxy.lab.models.systemd.template import Systemd
from tests.lab.models.systemd.support import load, pids, until

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.lab.models.systemd.deployed import UnitsDeployed

pytestmark = pytest.mark.slow
KILLS = 6  # one more than systemd's own limit of five starts in ten seconds


async def kill_and_see(deployed: UnitsDeployed, number: int) -> bool:
    """Whether systemd has started another one, or given it up."""
    old = pids(deployed)[number]
    await deployed.kill(number)
    await until(lambda: pids(deployed).get(number) != old)
    states: list[str] = []
    while number not in pids(deployed):
        states.append(await deployed.state(number))
        if states[-1] == "failed":
            return False
    return True


async def test_restart_always_alone_ends_in_repeated_too_quickly(directory: Path) -> None:
    """The other worker serves on: who looks only at answers does not see that half of the application is gone."""
    async with Systemd().deploying("defaults", DeploymentSpec(SAMPLE, 2, directory)) as deployed:
        kills = 0
        while await kill_and_see(deployed, 1):
            kills += 1
            assert kills < KILLS
        assert kills == KILLS - 2  # the first start counts too
        assert "Start request repeated too quickly" in await deployed.last_words()
        assert list(pids(deployed)) == [2]
        result = await load(deployed)
        assert result.completed
        assert not result.errors


async def test_an_application_that_does_not_come_up_is_quoted(directory: Path) -> None:
    application = parse_application((), reuseport=["python -c 'raise SystemExit(\"no licence\")' {port}"])
    with pytest.raises(DeployError, match=r"app@1\.service ends again and again\n[^$]*no licence"):
        async with Systemd().deploying("sane", DeploymentSpec(application, 2, directory)):
            pass
    application = parse_application((), reuseport=["nothing-of-that-name {port}"])
    with pytest.raises(DeployError, match=r"nothing-of-that-name: not found"):
        async with Systemd().deploying("sane", DeploymentSpec(application, 2, directory)):
            pass


def test_an_application_that_shares_no_port_is_told() -> None:
    missing = Systemd().missing("sane", parse_application(["serve {port}"]))
    assert "does not set SO_REUSEPORT: --app-reuseport" in str(missing[0])

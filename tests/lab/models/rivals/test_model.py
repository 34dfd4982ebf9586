"""nginx, HAProxy, Envoy and Caddy, each for real: what they do when their backends die, are replaced, come and go."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.lab.application import SAMPLE, Application, parse_application
from proxy.lab.deployment import DeployError, DeploymentSpec
from proxy.lab.load.generate import generating
from proxy.lab.load.spec import LoadSpec
from proxy.lab.models.registry import MODELS
from proxy.lab.models.rivals import rival
from proxy.lab.models.rivals.model import RivalModel
from tests.clients.support import missing
from tests.processes import request

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from proxy.lab.deployment import Deployment
    from tests.conftest import Figures

RIVALS = [model for model in MODELS.values() if isinstance(model, RivalModel)]
SOCKET = Application("hello", {"socket": SAMPLE.commands["socket"]})
each = pytest.mark.parametrize("model", RIVALS, ids=lambda model: model.name)


def check_installed(model: RivalModel) -> None:
    for one in model.missing("", SAMPLE):
        missing(str(one))


async def until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(15):
        while not condition():  # noqa: ASYNC110 - of other processes
            await trio.sleep(0.01)


async def met(deployed: Deployment) -> str:
    """The worker that answers."""
    answer = await trio.to_thread.run_sync(request, deployed.target)
    assert answer.status == 200, answer
    return str(json.loads(answer.body)["worker"])


async def who_answers(deployed: Deployment, count: int) -> set[str]:
    """Of requests at the same time, until so many were met."""
    found: set[str] = set()

    async def ask() -> None:
        found.add(await met(deployed))

    with trio.fail_after(15):
        while len(found) < count:
            async with trio.open_nursery() as nursery:
                for _ in range(4):
                    nursery.start_soon(ask)
    return found


def test_all_four_are_there() -> None:
    assert [model.name for model in RIVALS] == ["nginx", "haproxy", "envoy", "caddy"]


@pytest.mark.slow
@each
async def test_workers_die_are_replaced_come_and_go_under_load(
    model: RivalModel, directory: Path, figures: Figures
) -> None:
    """Behind Unix sockets. Requests are GETs, for which each of the four tries another backend. A client that keeps its
    connection while nginx or Caddy loads a configuration may meet the end of it: a few may fail."""
    check_installed(model)
    async with model.deploying("", DeploymentSpec(SOCKET, 2, directory)) as deployed:
        async with generating(LoadSpec(deployed.target, rate=200.0, seconds=60.0, warm_up=0.0, timeout=5.0)) as load:
            await load.began()
            before = {worker.pid for worker in deployed.workers()}
            await deployed.kill(1)
            await until(lambda: len(deployed.workers()) == 2 and before != {one.pid for one in deployed.workers()})
            before |= {worker.pid for worker in deployed.workers()}
            await deployed.restart()
            assert not before & {worker.pid for worker in deployed.workers()}
            await deployed.scale(3)
            assert await who_answers(deployed, 3) == {"worker-1", "worker-2", "worker-3"}
            await deployed.scale(1)
            assert {await met(deployed) for _ in range(5)} == {"worker-1"}
            result = await load.stop()
        figures(f"{model.name}: a worker killed, then two replaced, 2 to 3 to 1: {result.completed} answered"
                f" at 200/s, failed {result.errors}")  # fmt: skip
        assert result.completed >= 0.9 * result.intended


@each
def test_what_is_not_there_is_told_with_how_to_get_it(model: RivalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rival, "_PLACES", os.devnull)
    application = parse_application(["serve --fd {fd}"])
    program, way = model.missing("", application)
    assert "install" in program.how
    assert "takes no port" in str(way)


@pytest.mark.slow
async def test_a_configuration_that_is_refused_is_quoted(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = MODELS["nginx"]
    assert isinstance(model, RivalModel)
    check_installed(model)
    monkeypatch.setattr("proxy.lab.models.rivals.nginx._CONFIG", "nonsense;")
    with pytest.raises(DeployError, match="unknown directive"):
        async with model.deploying("", DeploymentSpec(SAMPLE, 1, directory)):
            pass

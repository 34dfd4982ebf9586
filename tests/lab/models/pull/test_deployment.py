"""What becomes of a request whose worker is killed with it in hand; and of workers that leave, or cannot come."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.lab.application import SAMPLE, Application, parse_application
from proxy.lab.deployment import CannotDo, DeployError, DeploymentSpec
from proxy.lab.load.generate import generating
from proxy.lab.load.spec import LoadSpec
from proxy.lab.measure.families import family, read_parents
from proxy.lab.models.queue.model import Queue
from proxy.lab.models.tuple_space.model import TupleSpace
from tests.clients.support import missing
from tests.processes import DEADLINE, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.lab.models.model import Model

QUEUE, SPACE = Queue(), TupleSpace()
REDELIVERS = [(QUEUE, "embedded"), (QUEUE, "beanstalkd"), (SPACE, "leases")]
LOSES = [(SPACE, "embedded"), (SPACE, "rinda")]
HOLDING = Path(__file__).with_name("holding.py")


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rproxy-lab-") as name:
        yield Path(name)


def holding(directory: Path) -> Application:
    return parse_application([f"{sys.executable} {HOLDING} {{socket}} {directory / 'flag'}"])


async def ask(target: str, path: str) -> str:
    """The process id of the worker that answered."""
    answer = await trio.to_thread.run_sync(request, target, path, abandon_on_cancel=True)
    assert answer.status == 200
    return answer.body.decode()


class Holding:
    """answers: of the request that the first worker held when it was killed."""

    def __init__(self, model: Model, variant: str, directory: Path) -> None:
        self._model, self._variant, self._directory = model, variant, directory
        if lacking := model.missing(variant, SAMPLE):
            missing(str(lacking[0]))
        self.answers: list[str] = []
        self.first = self.second = ""

    async def run(self, *, waits: bool) -> None:
        """waits: for the answer, else for that to another request, which a space in order would have given later."""
        spec = DeploymentSpec(holding(self._directory), 1, self._directory)
        async with self._model.deploying(self._variant, spec) as deployed, trio.open_nursery() as nursery:
            with trio.fail_after(3 * DEADLINE):
                self.first = await ask(deployed.target, "/")
                answered = trio.Event()
                nursery.start_soon(self._ask, deployed.target, answered)
                while not (self._directory / "flag").exists():  # noqa: ASYNC110
                    await trio.sleep(0.005)
                await deployed.kill(1)
                if waits:
                    await answered.wait()
                self.second = await ask(deployed.target, "/")
                while [str(worker.pid) for worker in deployed.workers()] != [self.second]:  # noqa: ASYNC110
                    await trio.sleep(0.005)  # the lab may hear later than the client that it serves
            nursery.cancel_scope.cancel()

    async def _ask(self, target: str, answered: trio.Event) -> None:
        self.answers.append(await ask(target, "/hold"))
        answered.set()


@pytest.mark.slow
@pytest.mark.parametrize(("model", "variant"), REDELIVERS, ids=lambda value: getattr(value, "name", value))
async def test_a_queue_gives_the_job_of_a_killed_worker_to_another(model: Model, variant: str, directory: Path) -> None:
    held = Holding(model, variant, directory)
    await held.run(waits=True)
    assert held.answers == [held.second] != [held.first]


@pytest.mark.slow
@pytest.mark.parametrize(("model", "variant"), LOSES, ids=lambda value: getattr(value, "name", value))
async def test_a_tuple_that_was_taken_by_a_killed_worker_is_lost(model: Model, variant: str, directory: Path) -> None:
    held = Holding(model, variant, directory)
    await held.run(waits=False)
    assert held.second != held.first
    assert held.answers == []


@pytest.mark.slow
async def test_a_restart_and_a_change_of_scale_lose_nothing(directory: Path) -> None:
    async with QUEUE.deploying("embedded-8-at-once", DeploymentSpec(SAMPLE, 2, directory)) as deployed:
        before = deployed.workers()
        async with generating(LoadSpec(deployed.target, rate=30, seconds=60, warm_up=0, timeout=30)) as load:
            await load.wait(0.1)
            await deployed.restart()
            await deployed.scale(3)
            assert [worker.number for worker in deployed.workers()] == [1, 2, 3]
            await deployed.scale(1)
            result = await load.stop()
        (left,) = deployed.workers()
        assert left.pid not in [worker.pid for worker in before]
        assert not result.errors
        assert result.completed > 0
        with pytest.raises(CannotDo):
            await deployed.kill(2)
    assert not os.listdir(directory)


async def test_an_application_that_does_not_come_up_is_quoted(directory: Path) -> None:
    application = parse_application(["python -c 'raise SystemExit(\"no licence\")' {socket}"])
    with pytest.raises(DeployError, match="no licence"):
        async with QUEUE.deploying("embedded", DeploymentSpec(application, 2, directory)):
            pass
    assert not os.listdir(directory)


async def test_nothing_is_left_when_a_start_is_cancelled(directory: Path) -> None:
    """In the midst of it: the broker and the gateway listen, the workers have been started."""
    before = family([os.getpid()], read_parents())
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_when_started, directory / "pull" / "app-2", scope)
            async with SPACE.deploying("embedded", DeploymentSpec(SAMPLE, 2, directory)):
                await trio.sleep_forever()
    assert scope.cancelled_caught
    assert not os.listdir(directory)
    assert family([os.getpid()], read_parents()) == before


async def _cancel_when_started(path: Path, scope: trio.CancelScope) -> None:
    while not os.path.exists(path):  # noqa: ASYNC110, ASYNC240
        await trio.sleep(0.001)
    scope.cancel()

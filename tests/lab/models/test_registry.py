"""Every variant of every model: it serves, is killed, restarted, scaled or says that it cannot, and leaves nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.lab.application import SAMPLE, Application
from proxy.lab.deployment import CannotDo, DeploymentSpec
from proxy.lab.load.generate import generate
from proxy.lab.load.spec import LoadSpec
from proxy.lab.measure.families import family, read_parents
from proxy.lab.models.registry import MODELS

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from proxy.lab.deployment import Deployment
    from proxy.lab.models.model import Model

DEADLINE = 15.0  # seconds; for what takes a tenth of one
NIGHTLY = ("round-robin",)  # a word in rproxy's configuration, and two seconds each
VARIANTS = [
    pytest.param(
        model, variant, id=f"{model.name}-{variant}", marks=[pytest.mark.soak] if variant in NIGHTLY else []
    ) for model in MODELS.values() for variant in model.variants(SAMPLE)
]  # fmt: skip
NOTHING = Application("nothing")


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)
def test_a_model_says_what_it_is_and_what_it_lacks(model: Model) -> None:
    assert model.summary
    assert not model.summary.endswith(".")
    variants = model.variants(SAMPLE)
    assert len(set(variants)) == len(variants) > 0
    if model.kind == "http":
        for variant in model.variants(NOTHING):
            assert any("--app" in missing.how for missing in model.missing(variant, NOTHING))


@pytest.mark.slow
@pytest.mark.parametrize(("model", "variant"), VARIANTS)
async def test_a_variant_does_what_a_deployment_does_and_leaves_nothing(
    model: Model, variant: str, directory: Path
) -> None:
    if missing := model.missing(variant, SAMPLE):
        text = "; ".join(map(str, missing))
        assert os.environ.get("CI") != "true", text
        pytest.skip(text)
    before = _ours()
    async with model.deploying(variant, DeploymentSpec(SAMPLE, 2, directory)) as deployed:
        assert deployed.description
        assert await _serves(model, deployed)
        roots, workers = deployed.roots(), deployed.workers()
        assert [worker.number for worker in workers] == list(range(1, len(workers) + 1))
        assert {worker.pid for worker in workers} <= set(family(roots, read_parents())) <= set(read_parents())
        if variant == model.variants(SAMPLE)[0]:
            await _disturb(model, deployed)
    assert _ours() == before
    assert not _sockets_in(directory)


@pytest.mark.soak
@pytest.mark.parametrize("patience", [0.02, 0.2, 0.5])
@pytest.mark.parametrize(("model", "variant"), VARIANTS)
async def test_a_start_that_is_given_up_leaves_nothing(
    model: Model, variant: str, patience: float, directory: Path
) -> None:
    if not model.missing(variant, SAMPLE):
        before = _ours()
        with trio.move_on_after(patience):
            async with model.deploying(variant, DeploymentSpec(SAMPLE, 2, directory)):
                await trio.sleep_forever()
        assert _ours() == before
        assert not _sockets_in(directory)


async def _disturb(model: Model, deployed: Deployment) -> None:
    """The variants of a model share the code of it, and take as long each."""
    is_one_of_many = len(deployed.workers()) > 1
    await _kill(deployed)
    await _scale(deployed)
    await _done_or_told(deployed.restart())
    if is_one_of_many:
        assert await _serves(model, deployed)


async def _done_or_told(work: Awaitable[None]) -> bool:
    """Whether it was done; if not, there was a reason."""
    reason = ""
    try:
        await work
    except CannotDo as error:
        reason = str(error) or "none given"
    assert reason != "none given"
    return not reason


def _sockets_in(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_socket()]


def _ours() -> list[int]:
    """Our own processes, but for none that a private namespace may hide: those are children of one of these."""
    return family([os.getpid()], read_parents())


async def _serves(model: Model, deployed: Deployment) -> bool:
    if model.kind != "http":
        return True
    result = await generate(LoadSpec(deployed.target, mode="closed", connections=2, seconds=0.1, warm_up=0.0))
    return result.completed > 0


async def _kill(deployed: Deployment) -> None:
    """Until its replacement is there, if others are."""
    workers = deployed.workers()
    if not await _done_or_told(deployed.kill(1)):
        return
    with trio.fail_after(DEADLINE):
        while any(worker.pid == workers[0].pid for worker in deployed.workers()):  # noqa: ASYNC110
            await trio.sleep(0.01)
        while len(workers) > 1 and len(deployed.workers()) < len(workers):  # noqa: ASYNC110
            await trio.sleep(0.01)


async def _scale(deployed: Deployment) -> None:
    for count in (3, 2):
        if not await _done_or_told(deployed.scale(count)):
            return
        with trio.fail_after(DEADLINE):
            while len(deployed.workers()) != count:  # noqa: ASYNC110
                await trio.sleep(0.01)

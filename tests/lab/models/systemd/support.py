"""Loads and questions for deployments under systemd."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import trio

from proxy.lab.load.generate import generate
from proxy.lab.load.spec import LoadSpec
from tests.processes import DEADLINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.lab.deployment import Deployment
    from proxy.lab.results import LoadResult


async def load(deployed: Deployment, seconds: float = 0.2, connections: int = 4) -> LoadResult:
    """A closed loop with a connection for each request."""
    spec = LoadSpec(
        deployed.target, mode="closed", clients="new", connections=connections, seconds=seconds, warm_up=0.0
    )
    return await generate(spec)


async def until(is_so: Callable[[], bool], deadline: float = 3 * DEADLINE) -> None:
    with trio.fail_after(deadline):
        while not is_so():  # noqa: ASYNC110
            await trio.sleep(0.01)


def pids(deployed: Deployment) -> dict[int, int]:
    return {worker.number: worker.pid for worker in deployed.workers()}


def is_non_blocking(pid: int, descriptor: int) -> bool:
    flags = Path(f"/proc/{pid}/fdinfo/{descriptor}").read_text().splitlines()[1]
    return bool(int(flags.removeprefix("flags:"), 8) & 0o4000)  # O_NONBLOCK of asm-generic/fcntl.h

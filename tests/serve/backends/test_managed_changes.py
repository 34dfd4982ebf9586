"""Processes follow the configuration: real ones, started and ended."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from proxy.core.address import TcpAddress
from proxy.core.config import Backend, PoolTimeouts
from proxy.serve.backends import managed_backends, managed_changes
from proxy.serve.backends.managed_changes import ManagedChanges
from proxy.serve.orders import Emptied
from tests.processes import free_port, is_listening
from tests.serve.reload.support import FIRST, Plane, config, make

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from proxy.serve.control.controller import Controller

DEADLINE = 20.0


def backend_at(port: int, name: str = "one") -> Backend:
    command = (sys.executable, "-m", "backends.hello", "--listen", "{address}", "--name", name)
    return Backend(address=TcpAddress("127.0.0.1", port), command=command)


async def until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(DEADLINE):
        while not condition():  # noqa: ASYNC110 - processes have no event for us
            await trio.sleep(0.01)


@asynccontextmanager
async def managing(*backends: Backend) -> AsyncIterator[Controller]:
    """With processes of ours, until the block ends."""
    controller = make(config(FIRST, *backends), Plane())
    async with trio.open_nursery() as nursery:
        await nursery.start(managed_backends.run, controller)
        assert controller.managed is not None
        nursery.start_soon(ManagedChanges(controller, controller.managed).run)
        yield controller
        nursery.cancel_scope.cancel()


def pids(controller: Controller) -> list[int | None]:
    assert controller.managed is not None
    groups = [running.group for running in controller.managed.running.values()]
    return [member.pid for group in groups if group is not None for member in group.statistics()]


@pytest.mark.slow
async def test_process_of_a_new_backend_is_started_and_ends_when_its_last_work_is_done() -> None:
    port = free_port()
    name = f"127.0.0.1:{port}"
    async with managing() as controller:
        await controller.apply(config(FIRST, backend_at(port)))
        await until(lambda: controller.pools["app"][name].is_started)
        assert is_listening(name)
        await controller.apply(config(FIRST))
        await trio.sleep(0.2)  # nothing happens: somebody may still use it
        assert is_listening(name)
        controller.observed(Emptied("app", name))
        await until(lambda: not is_listening(name))
        await until(lambda: not pids(controller))


@pytest.mark.slow
async def test_backend_that_is_back_in_time_keeps_its_process() -> None:
    backend = backend_at(free_port())
    async with managing(backend) as controller:
        before = pids(controller)
        await controller.apply(config(FIRST))
        await controller.apply(config(FIRST, backend))
        await until(lambda: controller.pools["app"][str(backend.address)].is_started)
        assert pids(controller) == before


@pytest.mark.slow
async def test_other_command_replaces_the_process_once_it_is_empty() -> None:
    backend = backend_at(free_port())
    name = str(backend.address)
    async with managing(backend) as controller:
        before = pids(controller)
        await controller.apply(config(FIRST, backend_at(backend.address.port, "two")))  # type: ignore[union-attr] # TCP
        await until(lambda: controller.pools["app"][name].state().is_draining)
        assert controller.pools["app"][name].condition == "starting"
        assert pids(controller) == before
        controller.observed(Emptied("app", name))
        await until(lambda: controller.pools["app"][name].condition == "ready")
        assert before != pids(controller)


@pytest.mark.slow
async def test_process_ends_in_the_end_though_somebody_never_lets_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(managed_changes, "CUT", 0.1)
    backend = backend_at(free_port())
    async with managing() as controller:
        settings = config(FIRST, backend)
        pool = replace(settings.pools["app"], timeouts=PoolTimeouts(drain=0.1))
        await controller.apply(replace(settings, pools={"app": pool}))
        await until(lambda: is_listening(str(backend.address)))
        await controller.apply(config(FIRST))
        await until(lambda: not is_listening(str(backend.address)))


@pytest.mark.slow
async def test_command_that_is_taken_away_leaves_the_backend_to_others() -> None:
    backend = backend_at(free_port())
    name = str(backend.address)
    async with managing(backend) as controller:
        await controller.apply(config(FIRST, replace(backend, command=())))
        await until(lambda: controller.pools["app"][name].state().is_draining)
        controller.observed(Emptied("app", name))
        await until(lambda: controller.pools["app"][name].condition == "ready")  # somebody runs it now
        assert not pids(controller)

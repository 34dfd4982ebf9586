"""Starts the backends that the configuration names with `command`, puts each into service once it takes connections,
and later on starts and ends one or the other."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from proxy.serve.backends.managed import ManagedSpec, supervise, wait_ready
from proxy.serve.machine.privileges import identity_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from proxy.serve.backends.managed import ManagedBackend
    from proxy.serve.control.controlled import Controlled
    from proxy.serve.control.controller import Controller

log = logging.getLogger("rproxy.managed")

START_PATIENCE = 10.0  # seconds that clients wait in the kernel's queue for slow backends before they are answered 503

Key = tuple[str, str]
"""The names of a pool and of a backend."""


class ManagedBackends:
    """running: all whose processes are ours, by pool and backend. lent: those whose processes are not ours yet."""

    def __init__(self, controller: Controller, nursery: trio.Nursery) -> None:
        """nursery: the processes live in it, and end when it is cancelled. Raises PrivilegeError."""
        self.running: dict[Key, _Running] = {}
        self.lent: set[Key] = set()
        self._controller = controller
        self._nursery = nursery
        self._identity = identity_of(controller.config)

    async def start(self, backend: Controlled) -> None:
        """Returns when its processes were started; it is in service as soon as they take connections."""
        self._controller.set_started(backend, is_started=False)
        self.lent.discard(backend.key)
        running = self.running[backend.key] = _Running(spec_of(backend))
        await self._nursery.start(self._run, backend, running)

    async def end(self, key: Key) -> None:
        """Returns when its processes are gone. Nothing if they are not ours."""
        running = self.running.pop(key, None)
        if running is not None:
            running.scope.cancel()
            await running.is_over.wait()

    async def wait_ready(self, key: Key) -> None:
        """Returns when it takes connections, or was ended."""
        if key in self.running:
            await self.running[key].is_ready.wait()

    async def _run(self, backend: Controlled, running: _Running, *, task_status: trio.TaskStatus[None]) -> None:
        try:
            with running.scope:
                async with trio.open_nursery() as nursery:
                    running.group = await nursery.start(_supervise, replace(running.spec, identity=self._identity))
                    nursery.start_soon(self._wait_ready, backend, running)
                    task_status.started()
        finally:
            running.is_ready.set()
            running.is_over.set()

    async def _wait_ready(self, backend: Controlled, running: _Running) -> None:
        await wait_ready(backend.settings.address, float("inf"))
        pool = self._controller.pools.get(backend.pool.name, {})
        self._controller.set_started(pool.get(backend.name, backend), is_started=True)  # it may have gone and be back
        running.is_ready.set()


def spec_of(backend: Controlled) -> ManagedSpec:
    """What is to run for it."""
    settings = backend.settings
    return ManagedSpec(backend.pool.name, settings.address, settings.members, settings.command)


class _Running:
    """The processes of one backend. group: what is known of them."""

    def __init__(self, spec: ManagedSpec) -> None:
        self.spec = spec
        self.scope = trio.CancelScope()
        self.is_ready = trio.Event()
        self.is_over = trio.Event()
        self.group: ManagedBackend | None = None


async def run(
    controller: Controller, lent: Collection[Key] = (), *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Until cancelled, which ends every process. Started when all of them take connections, or patience is over.

    lent: backends that are in service and whose processes are those of an rproxy that we take over from.
    """
    async with trio.open_nursery() as nursery:
        managed = controller.managed = ManagedBackends(controller, nursery)
        managed.lent.update(lent)
        ours = [each for each in controller.backends() if each.settings.command and each.key not in lent]
        for backend in ours:
            await managed.start(backend)
        with trio.move_on_after(START_PATIENCE):
            for backend in ours:
                await managed.wait_ready(backend.key)
        for backend in ours:
            if not backend.is_started:
                log.warning("%s does not take connections after %g s; serving without it", backend.name, START_PATIENCE)
        task_status.started()
        await trio.sleep_forever()


async def _supervise(spec: ManagedSpec, *, task_status: trio.TaskStatus[object]) -> None:
    await supervise(spec, on_output=_show, task_status=task_status)


def _show(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()

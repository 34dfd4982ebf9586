"""Managed backends after a reload: new ones are started, removed ones ended when nobody uses them any more, and those
with another command or number of members are replaced, one at a time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

from proxy.serve.backends.managed import ManagedError, check
from proxy.serve.backends.managed_backends import START_PATIENCE, spec_of

if TYPE_CHECKING:
    from proxy.serve.backends.managed import ManagedSpec
    from proxy.serve.backends.managed_backends import Key, ManagedBackends
    from proxy.serve.control.controlled import Controlled
    from proxy.serve.control.controller import Controller

log = logging.getLogger("rproxy.managed")

LOOK = 0.05  # seconds between looks whether a process may be ended
CUT = 5.0  # seconds beyond `timeouts.drain`, in which data planes cut what is left


class ManagedChanges:
    """A task for each change, until what runs is what is wanted, however often that changes meanwhile."""

    def __init__(self, controller: Controller, managed: ManagedBackends) -> None:
        self._controller = controller
        self._managed = managed
        self._settling: set[Key] = set()
        self._patience: dict[Key, float] = {}  # `timeouts.drain` of their pools, which may be gone by then
        self._replacing = trio.Lock()  # so that the others of a pool carry its work meanwhile

    async def run(self) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                changed = self._controller.backends_changed
                there = {backend.key: backend.pool.timeouts.drain for backend in self._controller.backends()}
                self._patience |= there
                for key in {*self._managed.running, *there}:
                    if key not in self._settling:
                        self._settling.add(key)
                        nursery.start_soon(self._settle, key)
                await changed.wait()

    async def _settle(self, key: Key) -> None:
        """Until what runs is what is wanted."""
        try:
            while self._wanted(key) != (running := self._running(key)):
                backend = self._find(key)
                if backend is None:
                    if await self._is_unused(key, running):
                        await self._managed.end(key)
                elif running is not None:
                    await self._replace(backend, running)
                elif key in self._managed.lent:
                    return
                else:
                    await self._start(backend)
            self._note_return(key)
        except ManagedError as error:  # it was good when it was looked at last: a directory is gone, for example
            log.error("%s: %s", key[1], error)
        finally:
            self._settling.discard(key)

    async def _replace(self, backend: Controlled, running: ManagedSpec) -> None:
        """By one with another command, or by somebody else's."""
        key = backend.key
        async with self._replacing:
            self._controller.end_process(backend, is_ending=True)
            try:
                if await self._is_unused(key, running):
                    await self._managed.end(key)
                    if self._wanted(key) is not None:
                        await self._start(backend)
            finally:
                self._controller.end_process(backend, is_ending=False)

    async def _start(self, backend: Controlled) -> None:
        check(spec_of(backend))
        await self._managed.start(backend)
        with trio.move_on_after(START_PATIENCE):
            await self._managed.wait_ready(backend.key)

    def _note_return(self, key: Key) -> None:
        """One that was removed and is back while its process still runs."""
        backend, running = self._find(key), self._managed.running.get(key)
        if backend is not None and running is not None and running.is_ready.is_set():
            self._controller.set_started(backend, is_started=True)

    def _find(self, key: Key) -> Controlled | None:
        return self._controller.pools.get(key[0], {}).get(key[1])

    def _wanted(self, key: Key) -> ManagedSpec | None:
        backend = self._find(key)
        return spec_of(backend) if backend is not None and backend.settings.command else None

    def _running(self, key: Key) -> ManagedSpec | None:
        running = self._managed.running.get(key)
        return running.spec if running is not None else None

    async def _is_unused(self, key: Key, running: ManagedSpec | None) -> bool:
        """Waits until no data plane has work of it. False when it is wanted again as it is, by another reload."""
        with trio.move_on_after(self._patience.get(key, 0.0) + CUT):
            while not self._controller.emptying.is_empty(key):
                if self._wanted(key) == running:
                    return False
                await trio.sleep(LOOK)
        return self._wanted(key) != running

"""Active health checks: probes of every backend that asks for them, and of every one that is out because connects to it
failed. Once for all data planes."""

from __future__ import annotations

import logging
from random import Random
from typing import TYPE_CHECKING

import trio

from proxy.core.config import HealthCheck
from proxy.core.health.rise_and_fall import first_pause, next_pause
from proxy.engine.tls.backend_tls import BackendTls, TlsFileError, make_context
from proxy.serve.backends.member_watch import MemberWatch
from proxy.serve.backends.probe import probe

if TYPE_CHECKING:
    import ssl

    from proxy.core.config import PoolTls
    from proxy.serve.control.controlled import Controlled
    from proxy.serve.control.controller import Controller


log = logging.getLogger("rproxy.health")

LOOK_EVERY = 2.0  # seconds between looks at who listens


async def run(controller: Controller) -> None:
    """Until cancelled. Follows the configuration: who is new is probed, who is gone is not."""
    checks = HealthChecks(controller)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_keep_time, controller)
        while True:
            checks.start_missing(nursery)
            checks.hurry()
            await controller.bell.wait()


async def _keep_time(controller: Controller) -> None:
    """Ends ejections and moves slow starts."""
    while True:
        due = controller.settling.look_at_clock()
        with trio.move_on_after(max(due - controller.clock(), 0.0)):
            await controller.bell.wait()


class HealthChecks:
    """A task for each backend that is probed."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._rng = Random()
        self._watched: dict[Controlled, HealthCheck] = {}
        self._members: dict[Controlled, MemberWatch] = {}
        self._pauses: dict[Controlled, trio.CancelScope] = {}
        self._contexts: dict[PoolTls, ssl.SSLContext] = {}  # one for all backends of a pool: it holds the CAs

    def start_missing(self, nursery: trio.Nursery) -> None:
        """For those that have none, or one that goes by other settings. O(backends)."""
        for backend in self._controller.backends():
            if backend not in self._members and (backend.settings.members > 1 or backend.settings.command):
                watch = self._members[backend] = MemberWatch(self._controller, backend)
                nursery.start_soon(self._look, backend, watch)
            check = _check_of(backend)
            if check is not None and self._watched.get(backend) != check:
                self._watched[backend] = check
                nursery.start_soon(self._watch, backend, check)

    async def _look(self, backend: Controlled, watch: MemberWatch) -> None:
        """At the members of a group, and at processes of our own, without a probe."""
        while self._is_there(backend):
            try:
                await watch.look()
            except Exception:  # a defect here is no reason to end what serves clients
                log.exception("%s: a look at its members failed", backend.name)
                return
            await trio.sleep(LOOK_EVERY)
        del self._members[backend]

    def hurry(self) -> None:
        """What traffic found out shortens the pause before the next probe. O(backends that pause)."""
        now = trio.current_time()
        for backend, scope in self._pauses.items():
            check = self._watched.get(backend)
            if check is not None and not backend.health.is_healthy:
                scope.deadline = min(scope.deadline, now + next_pause(check, backend.health, self._rng))

    async def _watch(self, backend: Controlled, check: HealthCheck) -> None:
        if backend.health.is_healthy:
            await self._pause(backend, first_pause(check, self._rng))
        else:  # it has just gone down: it may be down for longer than a moment
            await self._pause(backend, next_pause(check, backend.health, self._rng))
        while self._is_wanted(backend, check):
            fault = await self._probe(backend, check)
            if self._is_wanted(backend, check):
                self._controller.probed(backend, is_good=not fault, reason=fault)
            if self._is_wanted(backend, check):
                await self._pause(backend, next_pause(check, backend.health, self._rng))

    async def _pause(self, backend: Controlled, seconds: float) -> None:
        with trio.move_on_after(seconds) as scope:
            self._pauses[backend] = scope
            try:
                await trio.sleep_forever()
            finally:
                if self._pauses.get(backend) is scope:
                    del self._pauses[backend]

    def _is_wanted(self, backend: Controlled, check: HealthCheck) -> bool:
        """Whether this task is still the backend's own. A process that is being started is none to be probed."""
        if self._is_there(backend) and self._watched.get(backend) is check and _check_of(backend) == check:
            return True
        if self._watched.get(backend) is check:
            del self._watched[backend]
        return False

    def _is_there(self, backend: Controlled) -> bool:
        return self._controller.pools.get(backend.pool.name, {}).get(backend.name) is backend

    async def _probe(self, backend: Controlled, check: HealthCheck) -> str:
        watch = self._members.get(backend)
        try:
            if watch is not None and backend.settings.members > 1:
                return await watch.probe(check, self._tls_of(backend, check))
            return await probe(backend.target, check, self._tls_of(backend, check))
        except TlsFileError as error:
            return str(error)
        except Exception as error:  # a defect here is no reason to end what serves clients
            if backend.health.is_healthy:
                log.exception("%s: a probe failed in a way that nobody thought of", backend.name)
            return repr(error)

    def _tls_of(self, backend: Controlled, check: HealthCheck) -> BackendTls | None:
        """Raises TlsFileError."""
        if check.tls is None:
            return None
        context = self._contexts.get(check.tls)
        if context is None:
            context = self._contexts[check.tls] = make_context(check.tls)
        return BackendTls(context, check.tls, backend.settings.address)


_CONNECT = HealthCheck()


def _check_of(backend: Controlled) -> HealthCheck | None:
    """How it is probed now; None for not at all. Without checks, one that is down comes back when a connect works."""
    check = backend.pool.health_check
    if check is None and not backend.health.is_healthy:
        return _CONNECT
    return check if backend.is_started and not backend.is_ending else None

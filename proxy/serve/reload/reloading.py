"""Another configuration for all data planes: read, planned, rehearsed, and then told, so that nobody is failed."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

import trio

from proxy.core.config import Checked, check_alone, check_file, render_problems
from proxy.core.config.rules.checks import check_rules
from proxy.core.reload.listening import compare
from proxy.core.reload.plan import Plan, diff
from proxy.core.reload.plan_words import lines
from proxy.engine.make_backends import make_backends
from proxy.engine.tls.backend_tls import TlsFileError, check_contexts
from proxy.serve.backends.resolve import resolve_all
from proxy.serve.listeners import ListenError
from proxy.serve.machine.port_owner import explain
from proxy.serve.orders import Reconfigure
from proxy.serve.reload.rehearsal import Refused, rehearse
from proxy.serve.tls.certificates import check_certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from proxy.core.config import Backend, Config, ConfigProblem, Pool
    from proxy.core.reload.listening import ListenChange
    from proxy.engine.backend import LiveBackend
    from proxy.serve.control.controller import Controller, Plane
    from proxy.serve.listeners import Bound

log = logging.getLogger("rproxy.reload")

RESOLVE_PATIENCE = 2.0  # seconds for the names of new backends; one that is not known by then is tried on as at a start


class Reloaded(NamedTuple):
    """plan: lines of what has changed, empty if nothing was tried. problems: of the file, errors and warnings."""

    plan: list[str]
    problems: list[ConfigProblem]


class Sockets(Protocol):
    """Whoever holds the listening sockets."""

    def open(self, change: ListenChange, config: Config) -> list[Bound]:
        """Binds what is missing, or nothing. Raises ListenError and Refused."""

    def take(self, change: ListenChange, plan: Plan, opened: Sequence[Bound]) -> None:
        """The change is made: right before the data planes are told, which empty the queues of what is gone."""

    def share(self, opened: Sequence[Bound], plane: Plane) -> list[Bound]:
        """Which of them this one gets."""


def check_configuration(path: str) -> Checked:
    """All that can be known to be wrong with a file before anything is started. Blocks."""
    return check_file(path, partial(check_certificates, now=datetime.now(UTC)), check_contexts)


class Reloading:
    """One at a time. sockets: None before anybody serves, and again when rproxy stops."""

    def __init__(self, controller: Controller) -> None:
        self.sockets: Sockets | None = None
        self._controller = controller
        self._lock = trio.Lock()

    async def reload(self) -> Reloaded:
        """Reads the file again and takes it in use. Raises Refused."""
        async with self._lock:
            path = self._controller.config_file
            checked = await trio.to_thread.run_sync(check_configuration, path)
            if checked.config is None:
                checked = await self._forgive(checked, check_alone(path))
            if checked.problems:
                log.warning("%s", render_problems(checked.problems).rstrip())
            if checked.config is None:
                self._controller.note(logging.ERROR, "the configuration stays as it was: the file has errors")
                return Reloaded([], checked.problems)
            return Reloaded(lines(await self._apply(checked.config)), checked.problems)

    async def _forgive(self, checked: Checked, alone: Checked) -> Checked:
        """With `user` we have given up the right to read what we read at the start, keys for example. That is no fault
        of the file as long as nothing changes about it, as a rehearsal shows. alone: without a look at such files."""
        if alone.config is not None:
            try:
                await trio.to_thread.run_sync(rehearse, diff(self._controller.config, alone.config))
            except Refused:
                return checked
        return alone if alone.config is not None else checked

    async def change(self, make: Callable[[Config], Config]) -> Plan:
        """make: from the configuration that holds by then to the next one. Returns when all data planes have been told.
        Raises Refused, or what `make` raises, and then nothing has changed."""
        async with self._lock:
            return await self._apply(make(self._controller.config))

    async def _apply(self, config: Config) -> Plan:
        plan = diff(self._controller.config, config)
        try:
            if plan:
                await self._carry_out(plan)
        except Refused as error:
            self._controller.note(logging.ERROR, f"the configuration stays as it was: {error}")
            raise
        for line in lines(plan):
            self._controller.note(logging.INFO, f"reload: {line}")
        return plan

    async def _carry_out(self, plan: Plan) -> None:
        controller = self._controller
        await trio.to_thread.run_sync(rehearse, plan)
        try:
            successor = Successor(controller, plan)
        except TlsFileError as error:
            raise Refused(str(error)) from error
        with trio.move_on_after(RESOLVE_PATIENCE):
            await resolve_all(successor.new)
        change, sockets = compare(controller.config, plan.config), self.sockets
        if sockets is None:
            raise Refused("rproxy is stopping")
        try:
            opened = sockets.open(change, plan.config)
        except ListenError as error:
            raise Refused(explain(error)) from error
        # From here on nothing fails, and nothing waits.
        sockets.take(change, plan, opened)
        successor.take_over()
        states = tuple(backend.state() for backend in controller.backends())
        for plane in controller.planes:
            share = sockets.share(opened, plane)
            order = Reconfigure(plan.config, states, tuple((bound.frontend, bound.address) for bound in share))
            plane.send(order, [bound.sock for bound in share])


def with_backend(config: Config, pool: str, backend: Backend) -> Config:
    """Raises Refused."""
    settings = _find(config, pool)
    return _checked(config, replace(settings, backends=(*settings.backends, backend)))


def without_backend(config: Config, pool: str, backend: str) -> Config:
    """backend: its address as text. Raises Refused."""
    settings = _find(config, pool)
    left = tuple(one for one in settings.backends if str(one.address) != backend)
    if len(left) == len(settings.backends):
        raise Refused(f'there is no backend "{backend}" in pool "{pool}"')
    return _checked(config, replace(settings, backends=left))


def _find(config: Config, pool: str) -> Pool:
    if pool not in config.pools:
        raise Refused(f'there is no pool "{pool}"')
    return config.pools[pool]


def _checked(config: Config, pool: Pool) -> Config:
    """By the rules of the file."""
    new = replace(config, pools={**config.pools, pool.name: pool})
    for finding in check_rules(new):
        if finding.severity == "error":
            raise Refused(finding.message)
    return new


class Successor:
    """The backends of the new configuration as the controller will see them. new: those that it has not yet."""

    def __init__(self, controller: Controller, plan: Plan) -> None:
        """Raises TlsFileError."""
        self._controller = controller
        self._plan = plan
        changed = plan.pools.added.keys() | plan.pools.changed.keys()
        self._targets = {name: self._make_targets(name) for name in plan.config.pools if name in changed}
        self.new = [
            controller.make(pool, settings, target)
            for name, targets in self._targets.items()
            for pool in (plan.config.pools[name],)
            for settings, target in zip(pool.backends, targets, strict=True)
            if target.name not in controller.pools.get(name, {})
        ]
        for backend in self.new:
            backend.is_started = not backend.settings.command

    def _make_targets(self, name: str) -> list[LiveBackend]:
        """With the TLS context that there is, if it is made from the same settings."""
        settings, before = self._plan.config.pools[name], self._controller.pools.get(name, {})
        known = next((backend for backend in before.values() if backend.pool.tls == settings.tls), None)
        return make_backends(settings, known.target.tls.context if known and known.target.tls else None)

    def take_over(self) -> None:
        controller, config = self._controller, self._plan.config
        fresh = {(backend.pool.name, backend.name): backend for backend in self.new}
        pools = {}
        for name, settings in config.pools.items():
            before = controller.pools.get(name, {})
            if name not in self._targets:
                pools[name] = before
                continue
            pools[name] = {}
            for own, target in zip(settings.backends, self._targets[name], strict=True):
                backend = before.get(target.name)
                if backend is not None:
                    backend.reconfigure(settings, own, target)
                pools[name][target.name] = backend or fresh[name, target.name]
        controller.succeed(config, pools)

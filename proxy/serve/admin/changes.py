"""The paths of the admin API that change something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from proxy.core import config
from proxy.core.address import AddressError, parse_address
from proxy.core.config import render_problems
from proxy.core.config.report import problem_as_dict
from proxy.core.config.suggest import did_you_mean
from proxy.core.statistics import BackendStatistics
from proxy.serve.admin.token import Guard
from proxy.serve.reload.rehearsal import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from proxy.serve.control.controlled import Controlled, Mode
    from proxy.serve.control.controller import Controller


T = TypeVar("T")


class Problem(BaseModel):
    """error: a sentence."""

    error: str


class Named(BaseModel):
    """A backend, by the name of its pool and its address as it stands in the configuration."""

    model_config = ConfigDict(extra="forbid")
    pool: str
    backend: str


class Weighed(Named):
    """weight: the share of work that it gets; null for the configured one."""

    weight: Annotated[int, Field(ge=1, le=1000, strict=True)] | None


class Added(Named):
    """backend: its address, host:port or unix:/path. The rest as in the configuration, of which this is no part: the
    next reload reads the file. Programs to start as a backend are named in the file only."""

    weight: Annotated[int, Field(ge=1, le=1000, strict=True)] = 1
    max_connections: Annotated[int, Field(ge=0, le=1_000_000, strict=True)] = 0
    members: Annotated[int, Field(ge=1, le=1024, strict=True)] = 1


class Reloaded(BaseModel):
    """plan: a line for each thing that has changed. problems: warnings about the file, as `rproxy check --json`."""

    plan: list[str]
    problems: list[dict[str, Any]]


REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "Another token than that of [admin], or none"},
    403: {"model": Problem, "description": "[admin] has no token, so that nothing can be changed"},
    404: {"model": Problem, "description": "There is no such pool or backend"},
    409: {"model": Problem, "description": "It cannot be done; nothing has changed"},
    422: {"model": Problem, "description": "The body is not understood"},
}


MODES: dict[str, tuple[Mode, str]] = {
    "drain": ("draining", "It gets no new work; what runs goes on, tunnels and TCP sessions as well."),
    "disable": ("disabled", "As drain; says that it is meant to stay so."),
    "enable": ("enabled", "Takes back drain and disable."),
}


def add_changes(app: FastAPI, controller: Controller) -> None:
    """Those of one backend answer with it as it is then."""
    guard = [Depends(Guard(controller))]
    _add_changes_of_backends(app, controller, guard)
    _add_changes_of_configuration(app, controller, guard)


def _add_changes_of_backends(app: FastAPI, controller: Controller, guard: list[Any]) -> None:
    answers: dict[str, Any] = {
        "dependencies": guard,
        "response_model": BackendStatistics,
        "responses": REFUSALS,
        "tags": ["changes"],
    }

    for path, (mode, what) in MODES.items():
        setter = _mode_setter(controller, mode)
        app.post(f"/api/backends/{path}", name=path, summary=path.title(), description=what, **answers)(setter)

    @app.post("/api/backends/weight", **answers)
    async def weight(weighed: Weighed) -> BackendStatistics:
        """Until the next start."""
        backend = _find(controller, weighed)
        controller.set_weight(backend, weighed.weight)
        return _told(controller, backend)

    @app.post("/api/backends/add", **answers)
    async def add(added: Added) -> BackendStatistics:
        """Another backend for a pool, until the next reload."""
        _find_pool(controller, added.pool)
        settings = _settings_of(added)
        await _refusing(controller.add_backend(added.pool, settings))
        return _told(controller, controller.pools[added.pool][str(settings.address)])


def _mode_setter(controller: Controller, mode: Mode) -> Callable[[Named], Awaitable[BackendStatistics]]:
    async def set_mode(named: Named) -> BackendStatistics:
        backend = _find(controller, named)
        controller.set_mode(backend, mode)
        return _told(controller, backend)

    return set_mode


def _settings_of(added: Added) -> config.Backend:
    """Raises HTTPException."""
    try:
        address = parse_address(added.backend)
    except AddressError as error:
        raise HTTPException(422, f"backend: {error}") from None
    return config.Backend(
        address=address, weight=added.weight, max_connections=added.max_connections, members=added.members
    )


def _add_changes_of_configuration(app: FastAPI, controller: Controller, guard: list[Any]) -> None:
    @app.post("/api/backends/remove", dependencies=guard, responses=REFUSALS, status_code=204, tags=["changes"])
    async def remove(named: Named) -> None:
        """It gets no new work and is forgotten when it has ended what it has; until the next reload."""
        _find(controller, named)
        await _refusing(controller.remove_backend(named.pool, named.backend))

    @app.post("/api/reload", dependencies=guard, responses=REFUSALS, tags=["changes"])
    async def reload() -> Reloaded:
        """Reads the configuration file again and applies what has changed. A file with errors changes nothing."""
        plan, problems = await _refusing(controller.reload())
        errors = [problem for problem in problems if problem.severity == "error"]
        if errors:
            raise HTTPException(409, render_problems(errors).rstrip())
        return Reloaded(plan=plan, problems=[problem_as_dict(problem) for problem in problems])


async def _refusing(change: Awaitable[T]) -> T:
    """Raises HTTPException."""
    try:
        return await change
    except Refused as error:
        raise HTTPException(409, str(error)) from None


def _find_pool(controller: Controller, name: str) -> dict[str, Controlled]:
    """Raises HTTPException."""
    if name not in controller.pools:
        raise HTTPException(404, _unknown(f'there is no pool "{name}"', name, controller.pools))
    return controller.pools[name]


def _find(controller: Controller, named: Named) -> Controlled:
    """Raises HTTPException."""
    pool = _find_pool(controller, named.pool)
    backend = pool.get(named.backend)
    if backend is None:
        message = f'there is no backend "{named.backend}" in pool "{named.pool}"'
        raise HTTPException(404, _unknown(message, named.backend, pool))
    return backend


def _unknown(message: str, name: str, known: Collection[str]) -> str:
    hint = did_you_mean(name, known)
    return f"{message}; {hint}" if hint else message


def _told(controller: Controller, backend: Controlled) -> BackendStatistics:
    pools = {pool.name: pool.backends for pool in controller.statistics().pools}
    return next(one for one in pools[backend.pool.name] if one.address == backend.name)

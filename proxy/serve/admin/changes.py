"""The paths of the admin API that change something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from proxy.core.config.suggest import did_you_mean
from proxy.core.statistics import BackendStatistics
from proxy.serve.admin.token import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from proxy.serve.controlled import Controlled
    from proxy.serve.controller import Controller


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


REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "Another token than that of [admin], or none"},
    403: {"model": Problem, "description": "[admin] has no token, so that nothing can be changed"},
    404: {"model": Problem, "description": "There is no such pool or backend"},
    422: {"model": Problem, "description": "The body is not understood"},
}


def add_changes(app: FastAPI, controller: Controller) -> None:
    """Each answers with the backend as it is then."""
    guard = [Depends(Guard(controller))]

    def changes(path: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
        return app.post(
            f"/api/backends/{path}",
            dependencies=guard,
            response_model=BackendStatistics,
            responses=REFUSALS,
            tags=["changes"],
        )

    @changes("drain")
    async def drain(named: Named) -> BackendStatistics:
        """It gets no new work; what runs goes on, tunnels and TCP sessions as well."""
        backend = _find(controller, named)
        controller.set_mode(backend, "draining")
        return _told(controller, backend)

    @changes("disable")
    async def disable(named: Named) -> BackendStatistics:
        """As drain; says that it is meant to stay so."""
        backend = _find(controller, named)
        controller.set_mode(backend, "disabled")
        return _told(controller, backend)

    @changes("enable")
    async def enable(named: Named) -> BackendStatistics:
        """Takes back drain and disable."""
        backend = _find(controller, named)
        controller.set_mode(backend, "enabled")
        return _told(controller, backend)

    @changes("weight")
    async def weight(weighed: Weighed) -> BackendStatistics:
        """Until the next start."""
        backend = _find(controller, weighed)
        controller.set_weight(backend, weighed.weight)
        return _told(controller, backend)


def _find(controller: Controller, named: Named) -> Controlled:
    """Raises HTTPException."""
    pool = controller.pools.get(named.pool)
    if pool is None:
        raise HTTPException(404, _unknown(f'there is no pool "{named.pool}"', named.pool, controller.pools))
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

"""The paths of the admin API that change something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from proxy.core.config.suggest import did_you_mean
from proxy.core.statistics import BackendStatistics
from proxy.serve.admin.token import Guard

if TYPE_CHECKING:
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
    weight: Annotated[int, Field(ge=1, le=1000, strict=True)] | None = Field(
        description="The share of work that it gets, from 1 to 1000; null for the configured one."
    )


REFUSALS = {
    401: {"model": Problem, "description": "Another token than that of [admin], or none"},
    403: {"model": Problem, "description": "[admin] has no token, so that nothing can be changed"},
    404: {"model": Problem, "description": "There is no such pool or backend"},
    422: {"model": Problem, "description": "The body is not understood"},
}


def add_changes(app: FastAPI, controller: Controller) -> None:
    """Each answers with the backend as it is then."""
    guard = [Depends(Guard(controller))]

    def find(named: Named) -> Controlled:
        return find_backend(controller, named.pool, named.backend)

    def told(backend: Controlled) -> BackendStatistics:
        pools = {pool.name: pool.backends for pool in controller.statistics().pools}
        return next(one for one in pools[backend.pool.name] if one.address == backend.name)

    @app.post("/api/backends/drain", dependencies=guard, responses=REFUSALS, tags=["changes"])
    async def drain(named: Named) -> BackendStatistics:
        """It gets no new work; what runs goes on, and so do tunnels and TCP sessions."""
        backend = find(named)
        controller.set_mode(backend, "draining")
        return told(backend)

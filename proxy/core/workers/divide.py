"""What one of several workers may have of what the configuration allows to all of them together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.core.config import Config, Frontend, Pool


def divide(config: Config, workers: int) -> Config:
    """As one of `workers` takes it in use: `limits.connections` and `idle_connections` are shares, rounded up.

    The kernel spreads connections evenly enough for that: of 10,000 over 4 workers each gets 2,500 give or take 43 (the
    standard deviation of a draw). Limits of backends are not divided, for workers count slots together
    (core/workers/share.py), and neither is `connections_per_client`: the few connections of one client do not spread
    evenly.
    """
    if workers == 1:
        return config
    return replace(
        config,
        frontends={name: _divide_frontend(frontend, workers) for name, frontend in config.frontends.items()},
        pools={name: _divide_pool(pool, workers) for name, pool in config.pools.items()},
    )


def _divide_frontend(frontend: Frontend, workers: int) -> Frontend:
    limits = replace(frontend.limits, connections=-(-frontend.limits.connections // workers))
    return replace(frontend, limits=limits)


def _divide_pool(pool: Pool, workers: int) -> Pool:
    return replace(pool, idle_connections=-(-pool.idle_connections // workers))

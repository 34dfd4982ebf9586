from __future__ import annotations

from dataclasses import fields

import pytest

from proxy.core.config import Config, Frontend, FrontendTimeouts, Pool, PoolTimeouts
from proxy.core.timeouts import shortest_timeout

# Not of sessions: they are looked at ten times a second in any case.
OF_BACKENDS = {"idle", "drain"}


def config(frontend: FrontendTimeouts | None = None, pool: PoolTimeouts | None = None) -> Config:
    web = Frontend(name="web", timeouts=frontend or FrontendTimeouts())
    return Config(frontends={"web": web}, pools={"app": Pool(name="app", timeouts=pool or PoolTimeouts())})


@pytest.mark.parametrize("name", [field.name for field in fields(FrontendTimeouts)])
def test_every_timeout_of_a_frontend_counts(name: str) -> None:
    assert shortest_timeout(config(frontend=FrontendTimeouts(**{name: 0.25}))) == 0.25


@pytest.mark.parametrize("name", [field.name for field in fields(PoolTimeouts)])
def test_every_timeout_of_a_pool_counts_that_a_session_waits_for(name: str) -> None:
    shortest = shortest_timeout(config(pool=PoolTimeouts(**{name: 0.25})))
    assert (shortest == 0.25) is (name not in OF_BACKENDS)


def test_nothing_to_wait_for() -> None:
    assert shortest_timeout(Config(frontends={})) == 1.0

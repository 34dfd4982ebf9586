from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.address import TcpAddress
from proxy.core.config import Backend, Config, Frontend, FrontendLimits, Pool
from proxy.core.workers.divide import divide


def config(connections: int, idle: int) -> Config:
    web = Frontend(
        name="web", listen=(TcpAddress("a", 1),), pool="app", limits=FrontendLimits(connections=connections, head=2048)
    )
    app = Pool(name="app", backends=(Backend(address=TcpAddress("b", 1)),), idle_connections=idle)
    return Config(frontends={"web": web}, pools={"app": app})


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(1, 256))
def test_together_they_have_what_was_allowed_and_less_than_one_more_each(
    connections: int, idle: int, workers: int
) -> None:
    share = divide(config(connections, idle), workers)
    one = share.frontends["web"].limits.connections
    assert connections <= one * workers < connections + workers
    kept = share.pools["app"].idle_connections
    assert idle <= kept * workers < idle + workers


def test_all_else_stays() -> None:
    whole = config(10, 10)
    assert divide(whole, 1) is whole
    assert divide(config(40, 40), 4) == whole

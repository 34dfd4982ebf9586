from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config import (
    AccessLog,
    Backend,
    Config,
    Frontend,
    FrontendLimits,
    FrontendTimeouts,
    HealthCheck,
    ListenOptions,
    Pool,
    PoolTls,
    Respond,
    Route,
    Shutdown,
)
from proxy.core.reload.plan import Plan, Setting, diff, put

if TYPE_CHECKING:
    from collections.abc import Mapping

ADDRESSES = [TcpAddress("127.0.0.1", port) for port in range(9001, 9006)] + [UnixAddress("/run/app.sock")]


@st.composite
def backends(draw: st.DrawFn) -> tuple[Backend, ...]:
    addresses = draw(st.lists(st.sampled_from(ADDRESSES), min_size=1, unique=True))
    return tuple(
        Backend(address=address, weight=draw(st.integers(1, 3)), max_connections=draw(st.integers(0, 1)))
        for address in addresses
    )


def pools(name: str) -> st.SearchStrategy[Pool]:
    return st.builds(
        Pool,
        name=st.just(name),
        balance=st.sampled_from(["round-robin", "random"]),
        backends=backends(),
        health_check=st.none() | st.builds(HealthCheck, path=st.none() | st.just("/"), rise=st.integers(1, 2)),
        tls=st.none() | st.builds(PoolTls, verify=st.booleans()),
        retry_on=st.sampled_from([(), ("closed",)]),
    )


def frontends(name: str) -> st.SearchStrategy[Frontend]:
    return st.builds(
        Frontend,
        name=st.just(name),
        listen=st.lists(st.sampled_from(ADDRESSES), min_size=1, unique=True).map(tuple),
        mode=st.sampled_from(["http", "tcp"]),
        pool=st.sampled_from([None, "a", "b"]),
        routes=st.lists(st.builds(Route, path=st.sampled_from(["/x", "/y"]), pool=st.just("a"))).map(tuple),
        respond=st.none() | st.builds(Respond, status=st.integers(200, 201)),
        set_request_headers=st.dictionaries(st.sampled_from(["A", "B"]), st.sampled_from(["1", "2"])),
        timeouts=st.builds(FrontendTimeouts, idle=st.sampled_from([1.0, 2.0])),
        limits=st.builds(FrontendLimits, body=st.integers(0, 1)),
        socket=st.builds(ListenOptions, backlog=st.integers(1, 2), reuse_port=st.booleans()),
        access_log=st.none() | st.builds(AccessLog, format=st.sampled_from(["json", "combined"])),
    )


def some(names: str, values: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.sets(st.sampled_from(names), min_size=1).flatmap(
        lambda chosen: st.fixed_dictionaries({name: values(name) for name in sorted(chosen)})
    )


configs = st.builds(
    Config,
    workers=st.integers(1, 2),
    user=st.sampled_from([None, "nobody"]),
    frontends=some("wv", frontends),
    pools=some("abc", pools),
    shutdown=st.builds(Shutdown, drain=st.sampled_from([1.0, 2.0])),
)


def with_settings(table: Any, settings: tuple[Setting, ...]) -> Any:
    for setting in settings:
        table = put(table, setting.path, setting.new)
    return table


def with_changes(old: Mapping[str, Any], changes: Any, change: Any) -> dict[str, Any]:
    """Each entry of the plan carried out, and nothing else."""
    for name in changes.removed:
        assert name in old
    kept = {name: item for name, item in old.items() if name not in changes.removed}
    return {name: change(kept[name], changes.changed[name]) if name in changes.changed else item
            for name, item in kept.items()} | dict(changes.added)  # fmt: skip


def with_pool_change(pool: Pool, change: Any) -> Pool:
    members = with_changes({str(b.address): b for b in pool.backends}, change.backends, with_settings)
    return replace(with_settings(pool, change.settings), backends=tuple(members.values()))


def applied(old: Config, plan: Plan) -> Config:
    return replace(
        with_settings(old, plan.settings),
        frontends=with_changes(old.frontends, plan.frontends, with_settings),
        pools=with_changes(old.pools, plan.pools, with_pool_change),
    )


def in_order(config: Config) -> Config:
    """The order of backends means nothing."""
    return replace(
        config,
        pools={
            name: replace(pool, backends=tuple(sorted(pool.backends, key=lambda backend: str(backend.address))))
            for name, pool in config.pools.items()
        },
    )


@pytest.mark.slow
@given(configs, configs)
def test_plan_applied_to_the_old_gives_the_new(old: Config, new: Config) -> None:
    plan = diff(old, new)
    assert in_order(applied(old, plan)) == in_order(plan.config)
    for setting in plan.later:  # what the old process cannot change is all that is missing
        new = in_part(new, setting)
    assert plan.config == new


def in_part(config: Config, setting: Setting) -> Config:
    if setting.path[0] != "frontends":
        return put(config, setting.path, setting.old)  # type: ignore[no-any-return]
    _, name, *path = setting.path
    frontend = put(config.frontends[name], tuple(path), setting.old)
    return replace(config, frontends={**config.frontends, name: frontend})


@pytest.mark.slow
@given(configs)
def test_nothing_changes_between_a_configuration_and_itself(config: Config) -> None:
    plan = diff(config, config)
    assert not plan
    assert not plan.later
    assert plan.config == config


@pytest.mark.slow
@given(configs, configs)
def test_plan_is_empty_once_it_was_applied(old: Config, new: Config) -> None:
    """And tells again and again what waits for a start."""
    plan = diff(old, new)
    again = diff(plan.config, new)
    assert not again
    assert again.later == plan.later


def test_order_of_backends_is_no_change() -> None:
    pool = Pool(name="a", backends=tuple(Backend(address=address) for address in ADDRESSES))
    frontend = Frontend(name="w", listen=(ADDRESSES[0],), pool="a")
    old = Config(frontends={"w": frontend}, pools={"a": pool})
    assert not diff(old, replace(old, pools={"a": replace(pool, backends=pool.backends[::-1])}))


def test_pool_change_knows_what_it_touches() -> None:
    pool = Pool(name="a", backends=(Backend(address=ADDRESSES[0]),))
    old = Config(frontends={"w": Frontend(name="w", listen=(ADDRESSES[0],), pool="a")}, pools={"a": pool})
    change = diff(old, replace(old, pools={"a": replace(pool, tls=PoolTls())})).pools.changed["a"]
    assert change.touches("tls", "queue")
    assert not change.touches("balance", "backends")

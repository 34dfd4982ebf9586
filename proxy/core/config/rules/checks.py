"""What a configuration must be beyond its form: names that exist, addresses that differ, settings that go together."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from typing import Any

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config.positions import Path
from proxy.core.config.problem import Finding
from proxy.core.config.rules.admin_rules import check_admin
from proxy.core.config.rules.clashes import check_clashes, check_loops
from proxy.core.config.rules.placeholders import check_command
from proxy.core.config.rules.policy_rules import check_policies
from proxy.core.config.rules.tls_rules import check_frontend_tls
from proxy.core.config.schema import example_at
from proxy.core.config.sections.access import check_access, check_group
from proxy.core.config.sections.ejection import check_ejection
from proxy.core.config.sections.health_check import check_health_check
from proxy.core.config.sections.model import Backend, Config, Frontend, Pool, Route
from proxy.core.config.sections.pool_tls import check_pool_tls
from proxy.core.config.sections.retries import DEFAULT_RETRY_ON
from proxy.core.config.sections.units import show
from proxy.core.config.suggest import did_you_mean, nearest

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")  # names become labels of metrics and words of log lines


def check_rules(config: Config) -> Iterator[Finding]:
    yield from _check_names(config)
    yield from check_group(config)
    yield from check_admin(config)
    for frontend in config.frontends.values():
        yield from _check_frontend(frontend)
        yield from check_policies(frontend)
        yield from _check_pool_names(frontend, config)
        yield from check_frontend_tls(frontend)
    for pool in config.pools.values():
        yield from _check_pool(pool)
    yield from check_clashes(config)
    yield from check_loops(config)
    yield from _check_unused(config)


def _check_names(config: Config) -> Iterator[Finding]:
    for kind, names in (("frontends", config.frontends), ("pools", config.pools)):
        for name in names:
            if not _NAME.fullmatch(name):
                message = f"{show(name)} cannot be a name: use up to 63 letters, digits and . _ -"
                yield Finding(path=(kind, name), message=message, at_key=True)


def _check_frontend(frontend: Frontend) -> Iterator[Finding]:
    path = ("frontends", frontend.name)
    if not frontend.listen:
        message = f'frontend "{frontend.name}" listens nowhere: "listen" is missing or empty'
        yield Finding(path=(*path, "listen"), message=message, example=example_at((*path, "listen")))
    leads_on = frontend.pool is not None or frontend.routes or frontend.redirect or frontend.respond
    if not leads_on:
        message = f'frontend "{frontend.name}" leads nowhere: name a pool, or write routes'
        yield Finding(path=path, message=message, example=example_at((*path, "pool")))
    yield from check_access(frontend, path)
    check = _check_tcp_route if frontend.mode == "tcp" else _check_route
    for index, route in enumerate(frontend.routes):
        yield from check(route, (*path, "routes", index))


def _check_tcp_route(route: Route, path: Path) -> Iterator[Finding]:
    """All that is known of a connection that passes through is the server name of its TLS."""
    for field in fields(route):
        if field.name not in ("host", "pool") and getattr(route, field.name) != _default(field):
            yield Finding(
                path=(*path, field.name),
                message=f'"{field.name}" needs mode "http": in mode "tcp" nobody reads the requests within',
                hint='remove it, or set mode = "http"',
            )
    if route.host is None:
        yield Finding(
            path=path,
            message='this route says no host, and in mode "tcp" a connection has nothing else to be routed by',
            hint='the pool for all other connections is the "pool" of the frontend itself',
            example=example_at((*path, "host")),
        )


def _default(field: Field[Any]) -> object:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _check_route(route: Route, path: Path) -> Iterator[Finding]:
    if route.host is None and route.path is None:
        yield Finding(
            path=path,
            message="this route says neither host nor path, so it would take every request",
            hint="add one of them; what happens to all other requests is said by the frontend itself",
            example=example_at((*path, "path")),
        )


def _uses(frontend: Frontend) -> Iterator[tuple[Path, str]]:
    """Where it names pools, and which."""
    path = ("frontends", frontend.name)
    if frontend.pool is not None:
        yield (*path, "pool"), frontend.pool
    for index, route in enumerate(frontend.routes):
        if route.pool is not None:
            yield (*path, "routes", index, "pool"), route.pool


def _check_pool_names(frontend: Frontend, config: Config) -> Iterator[Finding]:
    for path, name in _uses(frontend):
        if name not in config.pools:
            meant = nearest(name, config.pools)
            yield Finding(
                path=path,
                message=f'there is no pool "{name}"',
                hint=did_you_mean(name, config.pools) or f"write a table [pools.{name}] with its backends",
                example=f'pool = "{meant}"' if meant else "",
            )


def _check_unused(config: Config) -> Iterator[Finding]:
    used = set().union(*(frontend.pool_names for frontend in config.frontends.values()))
    if not config.pools.keys() >= used:  # one that seems unused may be the one that was meant
        return
    for name in config.pools.keys() - used:
        message = f'no frontend uses the pool "{name}"'
        yield Finding(path=("pools", name), message=message, severity="warning", at_key=True)


def _check_pool(pool: Pool) -> Iterator[Finding]:
    path = ("pools", pool.name)
    if not pool.backends:
        message = f'pool "{pool.name}" is empty: "backends" is missing or has none'
        yield Finding(path=(*path, "backends"), message=message, example=example_at((*path, "backends")))
    addresses: list[object] = [backend.address for backend in pool.backends]
    if pool.tls is not None:
        yield from check_pool_tls(pool.tls, addresses, (*path, "tls"))
    if pool.health_check is not None:
        yield from check_health_check(pool.health_check, pool.tls, addresses, (*path, "health_check"))
    yield from check_ejection(pool.ejection, (*path, "ejection"))
    if not pool.retries and pool.retry_on not in ((), DEFAULT_RETRY_ON):
        message = "nothing of this list is tried again: retries is 0"
        yield Finding(path=(*path, "retry_on"), message=message, example="retries = 3", severity="warning")
    seen: Counter[object] = Counter()
    for index, backend in enumerate(pool.backends):
        place = (*path, "backends", index)
        seen[backend.address] += 1
        if seen[backend.address] == 2:  # the third and later say nothing new
            yield _duplicate(backend, pool, place)
        yield from _check_backend(backend, place)
        yield from check_command(backend, place)


def _duplicate(backend: Backend, pool: Pool, path: Path) -> Finding:
    return Finding(
        path=(*path, "address"),
        message=f'backend {backend.address} is in pool "{pool.name}" twice',
        hint="to give it more work raise its weight instead",
        example=f'{{ address = "{backend.address}", weight = 2 }}',
    )


def _check_backend(backend: Backend, path: Path) -> Iterator[Finding]:
    address = backend.address
    if isinstance(address, TcpAddress) and address.port == 0:
        message = (
            f"{address} has port 0, and nothing can be forwarded there: write the port that the backend listens on"
        )
        yield Finding(path=(*path, "address"), message=message, example=example_at((*path, "address")))
    if isinstance(address, UnixAddress) and backend.members > 1:
        yield Finding(
            path=(*path, "members"),
            message=f"a Unix socket cannot be shared by {backend.members} members: SO_REUSEPORT works for TCP only",
            hint="use a TCP address, or one backend with its own socket per process",
        )

"""The table that rproxy prints at its start: what listens where, and where work goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from proxy.core.address import Address
    from proxy.core.config import Backend, Config, Frontend, Pool, Route


def start_table(config: Config, addresses: Mapping[str, Sequence[Address]], admin: Address | None = None) -> str:
    """A line per listening address and per backend; ends in a newline.

    addresses: by frontend, as they were bound; admin: that of the admin server, likewise.
    """
    rows: list[tuple[str, ...]] = [
        ("frontend", name, config.frontends[name].mode, str(address), _targets(config.frontends[name]))
        for name, bound in addresses.items()
        for address in bound
    ]
    rows += [
        ("pool", name, pool.balance if not index else "", str(backend.address), _details(backend, pool))
        for name, pool in config.pools.items()
        for index, backend in enumerate(pool.backends)
    ]
    if admin is not None:
        rows.append(("admin", "", "http", str(admin), "dashboard at /, metrics at /metrics"))
    return _aligned(rows)


def _targets(frontend: Frontend) -> str:
    routes = [f"{route.host or ''}{route.path or ''} -> {_target(route)}" for route in frontend.routes]
    rest = _target(frontend)
    return ", ".join([*routes, f"-> {rest}"] if rest else routes)


def _target(place: Frontend | Route) -> str:
    if place.redirect is not None:
        return f"{place.redirect.status} {place.redirect.to}"
    return str(place.respond.status) if place.respond is not None else place.pool or ""


def _details(backend: Backend, pool: Pool) -> str:
    parts = []
    if pool.tls is not None:
        parts.append("TLS" if pool.tls.verify else "TLS, not verified")
    if backend.weight != 1:
        parts.append(f"weight {backend.weight}")
    if backend.max_connections:
        parts.append(f"at most {backend.max_connections}")
    if backend.members > 1:
        parts.append(f"{backend.members} members")
    if backend.command:
        parts.append("managed")
    return ", ".join(parts)


def _aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join("  ".join(map(str.ljust, row, widths)).rstrip() + "\n" for row in rows)

"""Addresses that get in each other's way: two listeners on one, and pools that lead back to their frontend."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import NamedTuple

from proxy.core.address import TcpAddress, UnixAddress
from proxy.core.config.positions import Path
from proxy.core.config.problem import Finding
from proxy.core.config.sections.model import Config, Frontend

_EVERY = {"0.0.0.0": "IPv4 address of this machine", "::": "IPv6 address of this machine"}


class _Listener(NamedTuple):
    """frontend: "" for the admin address."""

    frontend: str
    path: Path
    address: TcpAddress | UnixAddress


def check_clashes(config: Config) -> Iterator[Finding]:
    listeners = _listeners(config)
    if config.admin is not None:
        listeners.append(_Listener("", ("admin", "listen"), config.admin.listen))
    for first, second in combinations(listeners, 2):
        if _overlap(first.address, second.address):
            yield Finding(path=second.path, message=_clash(first, second), hint="give each its own address or port")


def check_loops(config: Config) -> Iterator[Finding]:
    """A backend may well be another frontend, but not one from which the work comes back."""
    leads_to = {name: _next_frontends(frontend, config) for name, frontend in config.frontends.items()}
    for pool in config.pools.values():
        users = {name for name, frontend in config.frontends.items() if pool.name in frontend.pool_names}
        for index, backend in enumerate(pool.backends):
            if back := users & _all_reached(_frontends_at(backend.address, config), leads_to):
                message = f'{backend.address} leads back to frontend "{min(back)}": work would go round for ever'
                path = ("pools", pool.name, "backends", index, "address")
                yield Finding(path=path, message=message, hint="take it out of this pool")


def _listeners(config: Config) -> list[_Listener]:
    return [
        _Listener(name, ("frontends", name, "listen", index), address)
        for name, frontend in config.frontends.items()
        for index, address in enumerate(frontend.listen)
    ]


def _overlap(first: TcpAddress | UnixAddress, second: TcpAddress | UnixAddress) -> bool:
    if not (isinstance(first, TcpAddress) and isinstance(second, TcpAddress)):
        return first == second
    if first.port != second.port or first.port == 0:  # 0 is a different free port each time
        return False
    return (
        first.host.lower() == second.host.lower()
        or _covers(first.host, second.host)
        or _covers(second.host, first.host)
    )


def _covers(every: str, host: str) -> bool:
    """A name counts as IPv4: most resolve to it, and a name that does not can be written as its IPv6 address."""
    return every in _EVERY and (":" in every) == (":" in host)


def _clash(first: _Listener, second: _Listener) -> str:
    owner = f'frontend "{first.frontend}"' if first.frontend != second.frontend else "the same frontend"
    for address in (first.address, second.address):
        if first.address != second.address and isinstance(address, TcpAddress) and address.host in _EVERY:
            note = f" ({address.host} is every {_EVERY[address.host]})"
            return f"{second.address} is taken: {owner} listens on {first.address}{note}"
    return f"{second.address} is taken: {owner} listens on it"


def _next_frontends(frontend: Frontend, config: Config) -> set[str]:
    pools = [config.pools[name] for name in frontend.pool_names if name in config.pools]
    return {name for pool in pools for backend in pool.backends for name in _frontends_at(backend.address, config)}


def _all_reached(start: set[str], leads_to: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    while new := start - reached:
        reached |= new
        start = set().union(*(leads_to[name] for name in new))
    return reached


def _frontends_at(address: TcpAddress | UnixAddress, config: Config) -> set[str]:
    return {listener.frontend for listener in _listeners(config) if _reaches(address, listener.address)}


def _reaches(backend: TcpAddress | UnixAddress, listener: TcpAddress | UnixAddress) -> bool:
    """Surely reaches: 10.0.0.5:80 behind a frontend on 0.0.0.0:80 is most likely another machine."""
    if not (isinstance(backend, TcpAddress) and isinstance(listener, TcpAddress)):
        return backend == listener
    is_this_machine = backend.host in _EVERY or backend.host.startswith("127.") or backend.host in ("localhost", "::1")
    same_host = backend.host == listener.host or (is_this_machine and _covers(listener.host, backend.host))
    return same_host and backend.port == listener.port != 0

"""Which pool a request goes to: by host, by path prefix, the first match wins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")


class Router(Generic[T]):
    """routes: (host or None, path prefix or None, target); `*.example.com` means any name below example.com.

    A path prefix ends at a segment: `/v1` matches `/v1` and `/v1/x`, not `/v10`; `/v1/` matches only what is below it.
    otherwise: where the rest goes; None when there is no such place.
    """

    def __init__(self, routes: Iterable[tuple[str | None, str | None, T]], otherwise: T | None) -> None:
        self._routes = [_Route(host, path, target) for host, path, target in routes]
        self._needs_host = any(route.host for route in self._routes)
        self._otherwise = otherwise

    def find(self, host: bytes, target: bytes) -> T | None:
        """host: as in the Host field, a port is ignored; target: of the request, its query is ignored. O(routes)."""
        name = host_name(host) if self._needs_host else b""
        for route in self._routes:
            is_below = target.startswith(route.below) or target == route.exact
            if is_below and (not route.host or _is_host(route.host, name)):
                return route.target
        return self._otherwise


class _Route(Generic[T]):
    __slots__ = ("below", "exact", "host", "target")

    def __init__(self, host: str | None, path: str | None, target: T) -> None:
        self.host = host.lower().encode() if host else b""
        self.exact = path.encode() if path else b""
        # What the target of a matching request begins with, if it is not the path itself.
        self.below = (self.exact,) if not path or path.endswith("/") else (self.exact + b"/", self.exact + b"?")
        self.target = target


def host_name(host: bytes) -> bytes:
    """Lower case, without port and final dot: `API.example.com.:8080` is `api.example.com` (RFC 9110 section 4.2.3)."""
    name, _, port = host.lower().rpartition(b":")
    return (name if name and b"]" not in port else host.lower()).rstrip(b".")


def _is_host(wanted: bytes, name: bytes) -> bool:
    return name.endswith(wanted[1:]) if wanted.startswith(b"*.") else name == wanted

"""Another beginning for the path of a request: `/api/users?id=1` becomes `/users?id=1`."""

from __future__ import annotations


class Rewrite:
    """path: the prefix that the route matches, None for any path; replacement: what stands in its place.

    Both are cut at their final slash, so that what follows is nothing, a query, or begins with one: the result is a
    legal target whatever the prefix and its replacement end with.
    """

    __slots__ = ("_base", "_consumed")

    def __init__(self, path: str | None, replacement: str) -> None:
        self._consumed = len(consumed(path))
        self._base = replacement.removesuffix("/").encode()

    def __call__(self, target: bytes) -> bytes:
        """target: one that the route matches, or `*`, which has no path."""
        if target == b"*":
            return target
        rewritten = self._base + target[self._consumed :]
        return rewritten if rewritten.startswith(b"/") else b"/" + rewritten


def consumed(path: str | None) -> str:
    """Of a matching target: all up to the slash, the query or the end behind the prefix."""
    return (path or "").removesuffix("/")

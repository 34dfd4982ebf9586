"""The files of the dashboard, as answers: one page with its scripts and styles, nothing from elsewhere.

No build step: what lies in this directory is what a browser gets. The policy below is what makes a name from a
configuration harmless even if a script of ours were wrong: scripts come from files of this server only, and Chromium's
trusted types refuse to make markup from any text (W3C Content Security Policy 3, Trusted Types).
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src data:",
        "form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'",
        "require-trusted-types-for 'script'", "trusted-types 'none'",
    )
)  # fmt: skip
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # after an upgrade the page is the new one
}
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}


class Page(NamedTuple):
    content_type: str
    body: bytes


def load() -> dict[str, Page]:
    """By path as requests name them: `/`, `/dashboard/main.js`, `/dashboard/views/pools.js`. 65 kB in all."""
    directory = files(__package__)
    found = {f"/dashboard/{name}": page for name, page in _walk(directory, "")}
    return {"/": found.pop("/dashboard/index.html"), **found}


def _walk(directory: Traversable, prefix: str) -> Iterator[tuple[str, Page]]:
    for entry in directory.iterdir():
        suffix = entry.name[entry.name.rfind(".") :]
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif suffix in _TYPES:
            yield prefix + entry.name, Page(_TYPES[suffix], entry.read_bytes())

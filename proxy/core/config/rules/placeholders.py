"""The {placeholders} in the command of a managed backend."""

import re
from collections.abc import Iterator

from proxy.core.address import UnixAddress
from proxy.core.config.positions import Path
from proxy.core.config.problem import Finding
from proxy.core.config.sections.model import Backend
from proxy.core.config.suggest import did_you_mean

TCP_ONLY = ("host", "port")
UNIX_ONLY = ("socket",)
PLACEHOLDERS = ("address", *TCP_ONLY, *UNIX_ONLY, "member", "pool")
PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")  # no other braces: arguments may well be JSON


def check_command(backend: Backend, path: Path) -> Iterator[Finding]:
    """path: of the backend."""
    names = [name for word in backend.command for name in PLACEHOLDER.findall(word)]
    for name in dict.fromkeys(names):  # each once
        if fault := _fault(name, backend):
            message, hint = fault
            yield Finding(path=(*path, "command"), message=message, hint=hint)


def _fault(name: str, backend: Backend) -> tuple[str, str] | None:
    """A message and a hint."""
    if name not in PLACEHOLDERS:
        return f"{{{name}}} is not a placeholder", did_you_mean(name, PLACEHOLDERS)
    is_unix = isinstance(backend.address, UnixAddress)
    if is_unix and name in TCP_ONLY:
        return f"{{{name}}} needs a TCP address, and this backend listens on {backend.address}", "use {socket}"
    if not is_unix and name in UNIX_ONLY:
        return f"{{{name}}} needs a Unix socket, and this backend listens on {backend.address}", "use {host} and {port}"
    return None

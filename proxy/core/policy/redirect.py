"""Where a redirect sends a client: a Location that no request can turn into another one than the operator meant."""

from __future__ import annotations

import re
from typing import NamedTuple

from proxy.core.errors import BadRequest
from proxy.core.policy.rewrite import consumed
from proxy.core.route import host_name

SAME_HOST_BY_HTTPS = "https://{host}{target}"
_TEMPLATE = re.compile(
    r"(?:(https?://)(\{host\}|[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?)?"
    r"((?:/[!#-;=?-\[\]-z~]*)?)(\{(?:target|rest)\})?"
)
_UNSAFE = re.compile(rb"[^!#-;=?-\[\]-z~]")  # also `\`, which browsers read as `/`, quotes and braces


class Template(NamedTuple):
    """`https://{host}:8443/new{rest}` in its parts; scheme, host and port are "" when it is a path."""

    scheme: str
    host: str
    port: str
    path: str
    tail: str


def parse_template(text: str) -> Template | None:
    """None if it is not one. "https" alone is short for SAME_HOST_BY_HTTPS."""
    match = _TEMPLATE.fullmatch(SAME_HOST_BY_HTTPS if text == "https" else text)
    template = Template(*(part or "" for part in match.groups())) if match else None
    if template is None or template.scheme:
        return template
    return template if template.path and not template.path.startswith("//") else None  # `//name` is another host


class Redirect:
    """to: see `parse_template`; path: the prefix that the route matches, which {rest} leaves out."""

    __slots__ = ("_authority", "_base", "_needs_host", "_skip", "_tail", "status")

    def __init__(self, to: str, status: int, path: str | None) -> None:
        template = parse_template(to)
        assert template is not None, to  # the configuration is refused otherwise
        self.status = status
        self._needs_host = template.host == "{host}"
        self._authority = (template.scheme, "" if self._needs_host else template.host, template.port)
        self._tail = bool(template.tail)
        # What follows begins with a slash or a query, and never joins the host's name.
        self._base = (template.path.removesuffix("/") if template.tail else template.path).encode()
        self._skip = len(consumed(path)) if template.tail == "{rest}" else 0

    def location(self, host: bytes, target: bytes) -> bytes:
        """host: a checked Host field; target: `*` or in origin-form. Raises BadRequest if the host is needed and there
        is none."""
        scheme, name, port = self._authority
        if self._needs_host:
            name = host_name(host).decode()
            if not name:
                raise BadRequest("no-host", "a redirect to the same host needs one")
        path = self._base
        if self._tail and target != b"*":
            path += _UNSAFE.sub(_percent_encoded, target[self._skip :])
        if scheme:
            return f"{scheme}{name}{port}".encode() + path
        return b"/" + path.lstrip(b"/")  # `//name` would be another host (RFC 3986 section 4.2)


def _percent_encoded(match: re.Match[bytes]) -> bytes:
    return b"%%%02X" % match[0][0]

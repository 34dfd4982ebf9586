"""Whom browsers may take us for: the defence against DNS rebinding, by which a page anywhere reads what listens here.

Such a page has a name of its own that first leads to its server and then to 127.0.0.1. The browser takes the two for
one site and lets the page read our answers; but its requests still say that name in `Host`. So at a loopback address
only names that lead nowhere else are answered: addresses and `localhost` (RFC 6761, section 6.3). Elsewhere the network
decides who can connect, a proxy or a DNS name in front is usual, and any name is, unless `[admin] hosts` lists some.
"""

from __future__ import annotations

import ipaddress
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from proxy.core.address import TcpAddress, is_local

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from proxy.core.config import Admin
    from proxy.serve.control.controller import Controller


def is_expected(host: str, admin: Admin) -> bool:
    """host: as in the header, with or without a port; in lower case."""
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    if not name or name == "localhost" or name.endswith(".localhost") or _is_numeric(name) or name in admin.hosts:
        return True  # a browser always says some name
    return not admin.hosts and not is_local(admin.listen)


def _is_numeric(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


class HostCheck:
    """Around the application. Not at a Unix socket, which no browser reaches."""

    def __init__(self, app: ASGIApp, controller: Controller) -> None:
        self._app = app
        self._controller = controller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        admin = self._controller.config.admin
        if scope["type"] == "http" and admin is not None and isinstance(admin.listen, TcpAddress):
            host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").lower()
            if not is_expected(host, admin):
                await _refusal(host)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _refusal(host: str) -> JSONResponse:
    message = f'the name "{host}" is not answered to: ask by address, or list it in [admin] hosts'
    return JSONResponse({"error": message}, HTTPStatus.MISDIRECTED_REQUEST)

"""The admin API of a rival: HTTP on a Unix socket."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from proxy.lab.deployment import DeployError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

TIMEOUT = 10.0  # seconds


@asynccontextmanager
async def admin(socket: str) -> AsyncIterator[httpx.AsyncClient]:
    """Raises DeployError for every failure of it."""
    import httpx

    transport = httpx.AsyncHTTPTransport(uds=socket)
    async with httpx.AsyncClient(base_url="http://localhost", transport=transport, timeout=TIMEOUT) as client:
        try:
            yield client
        except httpx.HTTPError as error:
            raise DeployError(f"{socket}: {error}") from error

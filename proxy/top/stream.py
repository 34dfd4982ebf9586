"""Statistics as they come from the admin address, one a second, over HTTP as server-sent events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import trio
from pydantic import TypeAdapter, ValidationError

from proxy.core.address import UnixAddress
from proxy.core.statistics import Statistics

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core.address import Address

SILENCE = 10.0  # seconds without an event after which a connection is given up
_PARSER = TypeAdapter(Statistics)


class Lost(Exception):
    """No statistics, or no more; the message says why, and what may help."""


async def listen(address: Address, tell: Callable[[Statistics], None]) -> None:
    """Calls `tell` for each, until it is cancelled. Raises Lost.

    Source: HTML Living Standard, 9.2 Server-sent events. rproxy tells each record in one line, `data: {…}`.
    """
    try:
        async with _client(address) as client, client.stream("GET", "/api/events") as answer:
            answer.raise_for_status()
            strange = await _read(answer, tell)
    except httpx.HTTPError as error:
        raise Lost(_explain(address, error)) from error
    if strange:
        raise Lost(f"{address} tells something else, as another version may: {strange.errors()[0]['msg']}") from strange
    raise Lost(f"{address} has ended the connection")


async def _read(answer: httpx.Response, tell: Callable[[Statistics], None]) -> ValidationError | None:
    """To its end, or to what is no statistics. Left by a cancellation even then: four generators of httpx stand one in
    another here, and only an exception from the innermost ends them all."""
    strange = None
    with trio.CancelScope() as scope:
        async for line in answer.aiter_lines():
            if line.startswith("data:") and not scope.cancel_called:
                try:
                    tell(_PARSER.validate_json(line.removeprefix("data:")))
                except ValidationError as error:
                    strange = error
                    scope.cancel()
    return strange


def _client(address: Address) -> httpx.AsyncClient:
    """trust_env: a proxy that the environment names is for the world outside, not for this."""
    is_unix = isinstance(address, UnixAddress)
    transport = httpx.AsyncHTTPTransport(uds=address.sockaddr if isinstance(address, UnixAddress) else None)
    base = "http://rproxy" if is_unix else f"http://{address}"
    return httpx.AsyncClient(base_url=base, transport=transport, timeout=SILENCE, trust_env=False)


def _explain(address: Address, error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ConnectError):
        return f"nothing answers at {address}: is rproxy running, with [admin] in its configuration?"
    if isinstance(error, httpx.ReadTimeout):
        return f"{address} has been silent for {SILENCE:.0f} s"
    if isinstance(error, httpx.HTTPStatusError):
        return f"{address} answers {error.response.status_code}: it is no admin address of rproxy"
    return f"{address}: {error or type(error).__name__}"

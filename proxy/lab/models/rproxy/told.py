"""What rproxy tells of its backends: through [admin], at a Unix socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT = 10.0  # seconds


async def statistics(socket: str) -> dict[str, Any]:
    """Raises OSError when nobody answers there."""
    import httpx  # 40 ms, where nobody may want to know

    transport = httpx.AsyncHTTPTransport(uds=socket)
    async with httpx.AsyncClient(base_url="http://localhost", transport=transport, timeout=TIMEOUT) as client:
        try:
            answer = await client.get("/api/statistics")
        except httpx.HTTPError as error:
            raise OSError(f"{socket}: {error}") from error
        found: dict[str, Any] = answer.raise_for_status().json()
        return found


def answers_by_worker(told: Mapping[str, Any], addresses: Mapping[int, str]) -> dict[int, int]:
    """How many each backend has given since it was configured, by the number of its worker."""
    (pool,) = told["pools"]
    answers = {backend["address"]: sum(backend["statuses"].values()) for backend in pool["backends"]}
    return {number: answers[address] for number, address in addresses.items() if address in answers}

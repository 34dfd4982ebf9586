"""How many connections each client has, by its address: `limits.connections_per_client`."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address


@lru_cache(maxsize=4096)
def client_of(host: str) -> str:
    """Whom an address stands for. Of IPv6 its first 64 bits: one customer has all the others at least (RFC 6177)."""
    if ":" not in host:
        return host
    address = IPv6Address(host)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return address.packed[:8].hex()


class ClientCounts:
    """Only clients that have a connection take room here. limit: of each; a lower one sends nobody away."""

    __slots__ = ("_counts", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        """Clients."""
        return len(self._counts)

    def enter(self, host: str) -> str:
        """Counts a connection: what to say to `leave`, once. Empty when the client has all it may have."""
        client = client_of(host)
        count = self._counts.get(client, 0)
        if count >= self.limit:
            return ""
        self._counts[client] = count + 1
        return client

    def leave(self, client: str) -> None:
        count = self._counts[client] - 1
        if count:
            self._counts[client] = count
        else:
            del self._counts[client]

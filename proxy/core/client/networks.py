"""Sets of networks, and the question whether an address is in one; the rule of `allow` and `deny`."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

UNIX = "unix:"  # stands in a list of networks for every client that comes by a Unix socket and so has no address
NOWHERE = -1  # the length of no prefix
_REMEMBERED = 4096  # addresses: 5 us for a look-up, 0.1 us for one that is remembered


class NetworkError(ValueError):
    """Text that is no network; the message is a sentence."""


def parse_network(text: str) -> str:
    """The network in its one spelling: `10.0.0.5/32` for `10.0.0.5`, and UNIX. Raises NetworkError."""
    if text == UNIX:
        return text
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise NetworkError(
            f'"{text}" is not a network: write one like "10.0.0.0/8", "2001:db8::/32" or "{UNIX}"'
        ) from None
    address, _, prefix = text.partition("/")
    if prefix and ipaddress.ip_address(address) != network.network_address:
        raise NetworkError(f'"{text}" names an address within the network: write "{network}"')
    if network.version == 6 and network.network_address.ipv4_mapped is not None:
        raise NetworkError(f'"{text}": write addresses of IPv4 as such, like "10.0.0.0/8"')
    return str(network)


def plain(address: IPAddress) -> IPAddress:
    """An IPv4 address that is dressed up as IPv6 is one."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


class Networks:
    """networks: as `parse_network` gives them. Thousands cost no more than a few: a look-up asks one set for each
    length of prefix that there is, and the answer is remembered by address."""

    __slots__ = ("_has_unix", "_v4", "_v6", "prefix_of")

    def __init__(self, networks: Iterable[str]) -> None:
        self._v4: dict[int, set[int]] = {}
        self._v6: dict[int, set[int]] = {}
        self._has_unix = False
        for text in networks:
            if text == UNIX:
                self._has_unix = True
            else:
                self._add(ipaddress.ip_network(text))
        self._v4 = dict(sorted(self._v4.items(), reverse=True))
        self._v6 = dict(sorted(self._v6.items(), reverse=True))
        self.prefix_of = lru_cache(_REMEMBERED)(self._find)

    def _add(self, network: IPNetwork) -> None:
        table = self._v4 if network.version == 4 else self._v6
        shift = network.max_prefixlen - network.prefixlen
        table.setdefault(network.prefixlen, set()).add(int(network.network_address) >> shift)

    def __contains__(self, host: str) -> bool:
        return self.prefix_of(host) != NOWHERE

    def _find(self, host: str) -> int:
        """The length of the longest prefix that `host` is in, or NOWHERE. host: an IP address; "" for a client of a
        Unix socket, and whatever else is no address is nowhere."""
        if not host:
            return 0 if self._has_unix else NOWHERE
        try:
            address = plain(ipaddress.ip_address(host))
        except ValueError:
            return NOWHERE
        number, length = int(address), address.max_prefixlen
        for prefix, networks in (self._v4 if address.version == 4 else self._v6).items():
            if number >> (length - prefix) in networks:
                return prefix
        return NOWHERE


class Access:
    """Who may come in: the most specific network that an address is in decides, whatever the order in the file.

    An address in none of them may come in unless there is an `allow`: then only those named may. So `deny` alone keeps
    some out, `allow` alone lets some in, and together one makes exceptions from the other.
    """

    __slots__ = ("_allow", "_deny", "_others_may")

    def __init__(self, allow: Iterable[str], deny: Iterable[str]) -> None:
        allowed = tuple(allow)
        self._allow = Networks(allowed)
        self._deny = Networks(deny)
        self._others_may = not allowed

    def admits(self, host: str) -> bool:
        """host: as for `Networks`."""
        allowed, denied = self._allow.prefix_of(host), self._deny.prefix_of(host)
        if allowed == denied:  # in neither: one network cannot stand in both
            return allowed == NOWHERE and self._others_may
        return allowed > denied

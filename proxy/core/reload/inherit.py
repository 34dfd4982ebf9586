"""Which of the listening sockets that were there before us serves which address of the configuration.

They come from a systemd socket unit, from its fd store, or from the rproxy that this one takes over from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from proxy.core.address import Address, TcpAddress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Origin = Literal["unit", "store", "upgrade"]
ADMIN = "[admin]"  # in place of a frontend's name, which never has a bracket
Wanted = tuple[str, Address]
"""The name of a frontend and one of its `listen` addresses."""


@dataclass(frozen=True, slots=True)
class Offer:
    """name: of its frontend, or what the unit file calls it. address: where it is bound. listen: for which address of
    the configuration it was made; another one than `address` for port 0 and for host names, None if nobody knows."""

    name: str
    address: Address
    origin: Origin
    listen: Address | None = None
    is_dual: bool = False
    """An IPv6 socket that takes IPv4 as well."""


@dataclass(slots=True)
class Shares:
    """Indices of offers. by_address: for each wanted address its sockets, several with SO_REUSEPORT. covered: addresses
    that need no socket because that of another address takes their clients. extra: more sockets by frontend, which the
    configuration does not list. unclaimed: nobody wants them."""

    by_address: dict[Wanted, list[int]] = field(default_factory=dict)
    covered: set[Wanted] = field(default_factory=set)
    extra: dict[str, list[int]] = field(default_factory=dict)
    unclaimed: list[int] = field(default_factory=list)


def share_out(wanted: Sequence[Wanted], offers: Sequence[Offer]) -> Shares:
    """Each offer goes to one address, by the first rule that fits:

    1. It was made for that address of that frontend. 2. It is bound there, under that frontend's name. 3. It is bound
    there. 4. It comes from a socket unit and bears a frontend's name: it stands in for one of the frontend's addresses
    of its kind (TCP or Unix) that has none, or serves in addition. So the unit file has the last word on where.
    """
    shares = Shares()
    left = list(range(len(offers)))
    left = _give(shares, left, offers, wanted, lambda offer, name, at: offer.name == name and offer.listen == at)
    left = _give(shares, left, offers, wanted, lambda offer, name, at: offer.name == name and offer.address == at)
    left = _give(shares, left, offers, wanted, lambda offer, _, at: offer.address == at)
    _cover(shares, offers, wanted)
    left = _give(shares, left, offers, wanted, lambda offer, _, at: _takes_clients_of(offer, at))
    names = {name for name, _ in wanted}
    for index in left:
        offer = offers[index]
        if offer.origin != "unit" or offer.name not in names:
            shares.unclaimed.append(index)
        elif (place := _vacant(shares, wanted, offer)) is not None:
            shares.by_address[place] = [index]
        else:
            shares.extra.setdefault(offer.name, []).append(index)
    return shares


def _give(
    shares: Shares, left: Iterable[int], offers: Sequence[Offer], wanted: Sequence[Wanted],
    fits: Callable[[Offer, str, Address], bool],
) -> list[int]:  # fmt: skip
    """The offers that fit nowhere."""
    rest = []
    for index in left:
        place = next(((name, at) for name, at in wanted if fits(offers[index], name, at)), None)
        if place is None:
            rest.append(index)
        else:
            shares.by_address.setdefault(place, []).append(index)
    return rest


def _cover(shares: Shares, offers: Sequence[Offer], wanted: Sequence[Wanted]) -> None:
    """systemd's `ListenStream=80` is one socket for IPv4 and IPv6, where a frontend lists two."""
    given = [(name, offers[index]) for (name, _), indices in shares.by_address.items() for index in indices]
    for name, at in wanted:
        is_bound = (name, at) in shares.by_address
        if not is_bound and any(other == name and _takes_clients_of(offer, at) for other, offer in given):
            shares.covered.add((name, at))


def _takes_clients_of(offer: Offer, at: Address) -> bool:
    return offer.is_dual and isinstance(offer.address, TcpAddress) and offer.address.host == "::" \
        and at == TcpAddress("0.0.0.0", offer.address.port)  # fmt: skip


def _vacant(shares: Shares, wanted: Sequence[Wanted], offer: Offer) -> Wanted | None:
    for place in wanted:
        name, at = place
        if name == offer.name and place not in shares.by_address and place not in shares.covered \
                and type(at) is type(offer.address):  # fmt: skip
            return place
    return None

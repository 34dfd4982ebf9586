"""Which listening sockets a new configuration needs more, which less, and which serve another frontend now."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.core.address import Address
    from proxy.core.config import Config

Place = tuple[str, "Address"]  # a frontend and one of its addresses, as configured


@dataclass(frozen=True, slots=True)
class ListenChange:
    """missing: to be bound; a place as often as it is listed. gone: to be closed. moved: by the place so far, the
    frontend whose clients come in there now. Sockets of all other places stay as they are."""

    missing: tuple[Place, ...]
    gone: tuple[Place, ...]
    moved: Mapping[Place, str]


def compare(old: Config, new: Config) -> ListenChange:
    """By the two configurations alone: a socket that was passed to us and stands in neither is none of their business
    as long as its frontend is there."""
    before, after = _places(old), _places(new)
    missing, gone = after - before, before - after
    moved: dict[Place, str] = {}
    for place in list(gone):
        to = next((other for other in missing if other[1] == place[1]), None)
        if to is not None and is_one(place[1]):
            moved[place] = to[0]
            del gone[place], missing[to]
    return ListenChange(tuple(missing.elements()), tuple(gone.elements()), moved)


def _places(config: Config) -> Counter[Place]:
    return Counter((name, address) for name, frontend in config.frontends.items() for address in frontend.listen)


def is_one(address: Address) -> bool:
    """Whether it names the same socket wherever it stands: port 0 is another one each time."""
    return not isinstance(address, TcpAddress) or address.port != 0

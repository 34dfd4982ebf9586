"""Listening sockets that were there before us, and are used in place of new ones."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

from proxy.core.address import TcpAddress
from proxy.core.reload.inherit import ADMIN, Offer, share_out
from proxy.engine.listener import bound_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxy.core.address import Address
    from proxy.core.config import Config
    from proxy.core.reload.inherit import Origin

log = logging.getLogger("rproxy.listener")


class Inherited:
    """Claim them once for a configuration, then `take` and `close_rest`.

    lent: managed backends, by pool and name, whose processes are those of the program that we take over from.
    """

    def __init__(
        self, sockets: Iterable[tuple[Offer, socket.socket]] = (), lent: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Takes the sockets over: non-blocking, listening."""
        self.lent = frozenset(lent)
        self._sockets = list(sockets)
        self._by_address: dict[tuple[str, Address], list[int]] = {}
        self._extra: dict[str, list[int]] = {}
        self._covered: set[tuple[str, Address]] = set()
        self._taken: set[int] = set()

    def claim(self, config: Config) -> None:
        """Decides which serves what, by `core.inherit`."""
        wanted = [
            (name, _numeric(address)) for name, frontend in config.frontends.items() for address in frontend.listen
        ]
        if config.admin is not None:
            wanted.append((ADMIN, _numeric(config.admin.listen)))
        shares = share_out(wanted, [offer for offer, _ in self._sockets])
        self._by_address, self._extra, self._covered = shares.by_address, shares.extra, shares.covered

    def take(self, frontend: str, address: Address) -> list[socket.socket]:
        """Those for this address of this frontend, several if workers share it; none if it has to be bound."""
        place = (frontend, _numeric(address))
        indices = self._by_address.pop(place, [])
        if indices:
            self._covered.add(
                place
            )  # for a second `127.0.0.1:0` of that frontend: all that were made for both are taken
        return self._take(indices)

    def take_extra(self, frontend: str) -> list[socket.socket]:
        """Those that serve this frontend beside its configured addresses."""
        return self._take(self._extra.get(frontend, ()))

    def covers(self, frontend: str, address: Address) -> bool:
        """Clients of this address come in through another socket of this frontend."""
        return (frontend, _numeric(address)) in self._covered

    def origin(self, sock: socket.socket) -> Origin | None:
        """Where it came from; None for one of our own."""
        return next((offer.origin for offer, one in self._sockets if one is sock), None)

    def _take(self, indices: Iterable[int]) -> list[socket.socket]:
        self._taken.update(indices)
        return [self._sockets[index][1] for index in indices]

    def close_rest(self) -> None:
        """What nobody took. Clients who connect to a socket that a unit goes on listening on would wait for ever."""
        for index, (offer, sock) in enumerate(self._sockets):
            if index not in self._taken:
                if offer.origin == "unit":
                    log.warning(
                        "the socket on %s that was passed as %s is not used: no frontend listens there or has that "
                        "name (FileDescriptorName=)", offer.address, offer.name,
                    )  # fmt: skip
                elif offer.origin == "upgrade":
                    log.info("no frontend listens on %s any more", offer.address)
                sock.close()


def offer(name: str, sock: socket.socket, origin: Origin, listen: Address | None = None) -> Offer:
    """What `share_out` goes by."""
    is_dual = sock.family == socket.AF_INET6 and not sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    return Offer(name, bound_address(sock), origin, listen, is_dual)


def _numeric(address: Address) -> Address:
    """As a bound socket says it: a host name is the first of its addresses, which is what is bound."""
    if not isinstance(address, TcpAddress):
        return address
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return address  # the bind will say so
    return TcpAddress(str(found[0][4][0]), address.port)

"""HTTP sessions whose requests each tell the backend something else of the client: behind trusted proxies, and where
Forwarded is written. All others tell the same for as long as they last (HttpSession.client_fields).

Classes of their own, chosen when the frontend is made and when a connection comes, so that a stranger's requests cost
what they cost without proxies.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from proxy.core.client.forwarding import Teller, client_of
from proxy.core.errors import Denied
from proxy.engine.http.session import HttpSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.core import config
    from proxy.core.client.peer import Peer
    from proxy.core.http.request import RequestHead
    from proxy.engine.arrival.stage import Step
    from proxy.engine.frontend import Frontend
    from proxy.engine.http.live_route import LiveRoute
    from proxy.engine.http.reading import Reading
    from proxy.engine.sock import Sock


class Telling(HttpSession):
    """Goes before a kind of session. told: the head that `client_fields` is for; heads whose bytes repeat are one."""

    if not TYPE_CHECKING:  # `_mixed` adds them, for two bases with slots have no layout in common
        __slots__ = ()
    teller: Teller
    told: RequestHead | None

    def __init__(self, frontend: Frontend, sock: Sock, peer: Peer) -> None:
        super().__init__(frontend, sock, peer)
        self.teller = Teller(frontend.config.forwarded, peer)
        self.told = None

    def _begin(self, head: RequestHead, route: LiveRoute) -> None:
        if head is not self.told:
            self.told = head
            self.client_fields = self.teller.fields(head.claims, head.host or b"") + b"\r\n"
        super()._begin(head, route)


class Trusting(Telling):
    """Of a trusted proxy: what its requests say of their clients is believed and extended, and `peer` becomes the
    client of the present one. allow and deny judge these clients; a connection with one that may not come in is closed
    behind its 403.
    """

    if not TYPE_CHECKING:  # `_mixed` adds them, for two bases with slots have no layout in common
        __slots__ = ()
    proxy: Peer

    def __init__(self, frontend: Frontend, sock: Sock, peer: Peer) -> None:
        super().__init__(frontend, sock, peer)
        self.proxy = peer

    def read_by(self, reading: Reading) -> None:
        super().read_by(self.frontend.reading_of_trusted)

    def _begin(self, head: RequestHead, route: LiveRoute) -> None:
        if head is not self.told:
            self._find_client(head)
        host = self.peer.host
        if self.frontend.access.admits(host):
            super()._begin(head, route)
        else:
            version = b"1.1" if head.is_1_1 else b"1.0"
            seen = b"%b %b HTTP/%b\r\nHost: %b\r\n" % (head.method, head.target, version, head.host or b"")
            self.refuse_head(seen, Denied.of(host))

    def _find_client(self, head: RequestHead) -> None:
        frontend, proxy, claims = self.frontend, self.proxy, head.claims
        client = client_of(proxy.host, claims, frontend.trusted, frontend.config.forwarded)
        is_https = claims.proto == b"https" if claims and claims.proto else proxy.came_by_tls
        self.peer = proxy.speaking_for(client, came_by_tls=is_https)


def http_session(settings: config.Frontend, kind: type[HttpSession]) -> Step:
    """What serves HTTP connections of a frontend. kind: with what else they have in common."""
    mixed: Callable[..., type[HttpSession]] = _mixed  # mypy does not know that classes can be hashed
    strangers = kind if settings.forwarded == "x-forwarded" else mixed(Telling, kind, "teller", "told")
    if not settings.trusted_proxies:
        return strangers
    return partial(_by_trust, strangers, mixed(Trusting, kind, "proxy", "teller", "told"))


def _by_trust(
    strangers: type[HttpSession], trusting: type[HttpSession], frontend: Frontend, sock: Sock, peer: Peer
) -> HttpSession:
    kind = trusting if frontend.trusts(peer) else strangers
    return kind(frontend, sock, peer)


@cache
def _mixed(first: type[HttpSession], kind: type[HttpSession], *slots: str) -> type[HttpSession]:
    """Once for all, since a class is a circle that is left to the garbage collection."""
    return type(first.__name__ + kind.__name__, (first, kind), {"__slots__": slots})

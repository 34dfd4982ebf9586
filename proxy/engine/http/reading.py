"""How the heads of requests are read: a parser, and those known by their bytes with the routes that they take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.client.claims import find_claims
from proxy.core.http.head_cache import HeadCache
from proxy.core.http.request import RequestParser

if TYPE_CHECKING:
    from proxy.core import config
    from proxy.core.http.request import RequestHead
    from proxy.engine.http.live_route import LiveRoute


class Reading:
    """A frontend has one for clients and one for trusted proxies, since the same bytes mean different things from them.

    believes: what a request says of those before it is read, and not dropped.
    """

    __slots__ = ("heads", "parser")

    def __init__(self, settings: config.Frontend, *, believes: bool = False) -> None:
        self.heads: HeadCache[tuple[RequestHead, LiveRoute]] = HeadCache()
        self.parser = RequestParser(
            max_fields=settings.limits.headers,
            upgrades=settings.upgrades,
            underscores=settings.underscores,
            tells_host=not believes and settings.forwarded == "x-forwarded",  # otherwise http/telling.py does
            find_reader=find_claims(settings.forwarded) if believes else None,
        )
